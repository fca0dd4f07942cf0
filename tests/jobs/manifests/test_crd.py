"""The custom resources as documents: structural, described and bounded, with every rule at a place that there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jobs import manifests
from jobs.errors import NotFound
from jobs.manifests import crd, crd_rules

UNSTRUCTURAL = {"$ref", "anyOf", "oneOf", "allOf", "propertyNames", "x-kubernetes-preserve-unknown-fields"}


def _schema(kind: str) -> dict[str, Any]:
    (version,) = crd.crd_of(kind)["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def _nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}".lstrip("."))
    for key, step in (("items", "[]"), ("additionalProperties", ".*")):
        if key in node:
            yield from _nodes(node[key], path + step)


def _written(kind: str) -> dict[str, dict[str, Any]]:
    """The nodes of what a person writes, by path."""
    return {path: node for path, node in _nodes(_schema(kind)) if path.startswith("spec")}


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_a_schema_is_structural(kind: str) -> None:
    for path, node in _nodes(_schema(kind)):
        assert not UNSTRUCTURAL & set(node), path
        assert isinstance(node["type"], str), path


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_every_list_map_and_text_that_a_person_writes_has_a_bound(kind: str) -> None:
    bounds = {"array": "maxItems", "string": "maxLength"}
    unbounded = [
        path
        for path, node in _written(kind).items()
        if "enum" not in node and bounds.get(node["type"], "type") not in node
    ]
    unbounded += [
        path for path, node in _written(kind).items() if "additionalProperties" in node and "maxProperties" not in node
    ]

    assert unbounded == []


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_every_field_says_what_it_takes(kind: str) -> None:
    fields = {path: node for path, node in _written(kind).items() if not path.endswith(("[]", ".*"))}
    silent = [path for path, node in fields.items() if not node.get("description")]
    vague = [
        path
        for path, node in fields.items()
        if node["type"] in ("integer", "number", "string")
        and "enum" not in node
        and "Takes " not in node["description"]
    ]

    assert (silent, vague) == ([], [])


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_every_rule_stands_at_a_place_that_there_is(kind: str) -> None:
    places = {*crd_rules.RULES[kind], *crd_rules.SETS[kind], *crd_rules.KEYS[kind]}

    assert places <= {path for path, _ in _nodes(_schema(kind))}


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_every_rule_says_what_was_found_and_what_to_write(kind: str) -> None:
    for rules in crd_rules.RULES[kind].values():
        for rule in rules:
            assert rule.message.startswith("found ")
            assert "; write " in rule.message


def test_a_status_is_written_on_its_own_and_a_review_has_none() -> None:
    subresources = {
        kind: document["spec"]["versions"][0].get("subresources")
        for kind, document in zip(manifests.KINDS, crd.all_crds(), strict=True)
    }

    assert subresources == {"BrandProject": {"status": {}}, "Campaign": {"status": {}}, "Review": None}


def test_conditions_are_told_apart_by_their_type() -> None:
    conditions = _schema("Campaign")["properties"]["status"]["properties"]["conditions"]

    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_there_is_no_custom_resource_of_another_kind() -> None:
    with pytest.raises(NotFound, match="no kind 'Secret'"):
        crd.crd_of("Secret")
