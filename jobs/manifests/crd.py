"""The CustomResourceDefinition of each kind, made from the models: what an API server must know to judge as they do.

Says nothing of installing them, and writes no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jobs.manifests import names, phrases
from jobs.manifests.crd_rules import KEYS, RULES, SETS, Rule
from jobs.manifests.schema import KINDS, Schema, schema_of

CATEGORY = "brandfarm"


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; a wide one is shown by `-o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True)
class Resource:
    """How a kind is called on an API server, and what its lists show."""

    plural: str
    short: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()


_AGE = Column("Age", ".metadata.creationTimestamp", "date")
_MESSAGE = Column("Message", ".status.message", wide=True)

RESOURCES: dict[str, Resource] = {
    "BrandProject": Resource(
        "brandprojects",
        "bp",
        (
            Column("Phase", ".status.phase"),
            Column("Serving", ".status.serving"),
            Column("Newest", ".status.newest"),
            Column("Progress", ".status.progress"),
            Column("Reason", ".status.reason"),
            _AGE,
            Column("Trigger", ".spec.trigger", wide=True),
            Column("Base", ".spec.base.name", wide=True),
            _MESSAGE,
        ),
    ),
    "Campaign": Resource(
        "campaigns",
        "camp",
        (
            Column("Phase", ".status.phase"),
            Column("Progress", ".status.progress"),
            Column("Reason", ".status.reason"),
            _AGE,
            Column("Next", ".status.nextScheduleTime", wide=True),
            Column("Made", ".status.shots.made", "integer", wide=True),
            Column("Reused", ".status.shots.reused", "integer", wide=True),
            Column("Failed", ".status.shots.failed", "integer", wide=True),
            Column("Total", ".status.shots.planned", "integer", wide=True),
            Column("Schedule", ".spec.schedule.cron", wide=True),
            Column("Forecast", ".status.forecast", wide=True),
            _MESSAGE,
        ),
    ),
    "Review": Resource(
        "reviews",
        "rev",
        (
            Column("Project", ".spec.project"),
            Column("Version", ".spec.version"),
            Column("Verdict", ".spec.verdict"),
            Column("By", ".spec.by"),
            _AGE,
            Column("Note", ".spec.note", wide=True),
        ),
        selectable=(".spec.project",),
    ),
}


def crd_of(kind: str) -> Schema:
    """The CustomResourceDefinition of a kind, as a plain document. Raises NotFound for another kind."""
    schema = schema_of(kind)
    resource = RESOURCES[kind]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": resource.plural,
                "singular": kind.lower(),
                "shortNames": [resource.short],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [_version(kind, resource, schema)],
        },
    }


def all_crds() -> tuple[Schema, ...]:
    """The CustomResourceDefinitions of all kinds."""
    return tuple(crd_of(kind) for kind in KINDS)


def _version(kind: str, resource: Resource, schema: Schema) -> Schema:
    version: Schema = {
        "name": names.API_VERSION.rpartition("/")[2],
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in resource.columns],
    }
    if resource.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in resource.selectable]
    if "status" in schema["properties"]:
        version["subresources"] = {"status": {}}
    return {**version, "schema": {"openAPIV3Schema": _root(kind, schema)}}


def _column(column: Column) -> Schema:
    written = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return {**written, "priority": 1} if column.wide else written


def _root(kind: str, schema: Schema) -> Schema:
    """The whole schema; the server knows metadata itself, and lets no one but it describe more than the two names."""
    metadata = {
        "type": "object",
        "properties": {field: {"type": "string", "maxLength": 253} for field in ("name", "generateName")},
    }
    heading = {field: {**schema["properties"].pop(field), "type": "string"} for field in ("apiVersion", "kind")}
    heading = {field: {key: node[key] for key in ("description", "type")} for field, node in heading.items()}
    del schema["properties"]["metadata"]
    root = _structural(kind, schema, "")
    return {**root, "properties": {**heading, "metadata": metadata, **root["properties"]}, "required": ["spec"]}


def _structural(kind: str, node: Schema, path: str) -> Schema:
    """The node as a structural schema may say it, with the rules of its place; its children likewise."""
    kept = {key: value for key, value in node.items() if key not in ("additionalProperties", "propertyNames")}
    written = {**_bounded(kept), **_list_type(kind, path)}
    if "properties" in node:
        written["properties"] = {
            name: _structural(kind, _explained(child, below), below)
            for name, child in node["properties"].items()
            for below in [f"{path}.{name}".lstrip(".")]
        }
    if "items" in node:
        written["items"] = _structural(kind, node["items"], f"{path}[]")
    if isinstance(values := node.get("additionalProperties"), dict):
        written["additionalProperties"] = _structural(kind, values, f"{path}.*")
    rules = RULES[kind].get(path, ())
    return {**written, "x-kubernetes-validations": [_validation(rule) for rule in rules]} if rules else written


def _explained(node: Schema, path: str) -> Schema:
    """A field a person writes, its description with what it takes and its default: `kubectl explain` shows neither itself."""
    if not path.startswith("spec.") or "properties" in node or "properties" in node.get("items", {}):
        return node
    takes = "" if "enum" in node else f" Takes {phrases.expected(node)}."
    default = node.get("default")
    left_out = "" if default in (None, "", [], {}) else f" Left out, {json.dumps(default)}."
    return {**node, "description": f"{node['description']}{takes}{left_out}"}


def _bounded(node: Schema) -> Schema:
    """Bounds as OpenAPI 3.0 writes them, and the longest text that a pattern lets through: a rule's cost is counted by it."""
    bounded = dict(node)
    for key in ("Minimum", "Maximum"):
        if f"exclusive{key}" in bounded:
            bounded[key.lower()] = bounded[f"exclusive{key}"]
            bounded[f"exclusive{key}"] = True
    if node.get("type") == "integer":
        bounded["format"] = "int64"
    longest = names.LONGEST.get(node.get("pattern", ""))
    return {"maxLength": longest, **bounded} if longest else bounded


def _list_type(kind: str, path: str) -> Schema:
    if path in SETS[kind]:
        return {"x-kubernetes-list-type": "set"}
    if keys := KEYS[kind].get(path):
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    return {}


def _validation(rule: Rule) -> dict[str, Any]:
    return dict(_entries(rule))


def _entries(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "rule", rule.holds
    yield "message", rule.message
    if rule.at:
        yield "fieldPath", rule.at
