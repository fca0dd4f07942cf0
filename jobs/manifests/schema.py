"""The JSON schema of each kind, whole: no references, no nulls, every field described. What people and clusters read.

Rules over several fields are not in it; they live beside the models.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from jobs.errors import NotFound
from jobs.manifests.brand_project import BrandProject
from jobs.manifests.campaign import Campaign
from jobs.manifests.review import Review

Schema = dict[str, Any]
KINDS: dict[str, type[BrandProject] | type[Campaign] | type[Review]] = {
    "BrandProject": BrandProject,
    "Campaign": Campaign,
    "Review": Review,
}


def schema_of(kind: str) -> Schema:
    """The JSON schema (draft 2020-12) of a kind, with every reference written out. Raises NotFound for another kind."""
    if kind not in KINDS:
        raise NotFound(f"There is no kind {kind!r}.", hint=f"The kinds are {', '.join(KINDS)}.")
    return copy.deepcopy(_schema(kind))


def node_at(kind: str, path: tuple[str | int, ...]) -> Schema | None:
    """The schema of one place of a manifest, such as ("spec", "looks", 0); None where the schema knows no such place."""
    node: Schema | None = _schema(kind)
    for step in path:
        if node is None:
            return None
        node = _below(node, step)
    return node


def _below(node: Schema, step: str | int) -> Schema | None:
    if isinstance(step, int):
        return node.get("items")
    return node.get("properties", {}).get(step) or node.get("additionalProperties") or None


@cache
def _schema(kind: str) -> Schema:
    whole = KINDS[kind].model_json_schema(by_alias=True)
    definitions = whole.pop("$defs", {})
    return _written_out(whole, definitions)


def _written_out(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """The node with references, optional nulls, titles and key patterns in the one form that everybody can read."""
    node = _without_null(node)
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    node.pop("title", None)
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "patternProperties" in node:
        (pattern, values), *_ = node.pop("patternProperties").items()
        node = {
            **node,
            "propertyNames": {**node.get("propertyNames", {}), "pattern": pattern},
            "additionalProperties": values,
        }
    return _with_children(node, definitions)


def _without_null(node: Schema) -> Schema:
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    kept = {key: value for key, value in node.items() if key != "anyOf"}
    if kept.get("default", ...) is None:
        del kept["default"]
    if not choices:
        return kept
    (choice,) = choices  # a union of shapes cannot be a field of a custom resource
    return {**choice, **kept}


def _with_children(node: Schema, definitions: dict[str, Schema]) -> Schema:
    if "properties" in node:
        required = node.get("required", ())
        node["properties"] = {
            name: _property(child, definitions, is_required=name in required)
            for name, child in node["properties"].items()
        }
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(node.get(name), dict):
            node[name] = _written_out(node[name], definitions)
    return node


def _property(node: Schema, definitions: dict[str, Schema], *, is_required: bool) -> Schema:
    """A field; a part that is filled in with its own defaults says `default: {}`, or a cluster would not fill it in."""
    is_filled_in = not is_required and "default" not in node
    written = _written_out(node, definitions)
    if is_filled_in and written.get("type") == "object":
        written.setdefault("default", {})
    return written
