"""The published schemas: whole, described, and such that a custom resource can hold them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import manifests
from jobs.errors import NotFound

UNSTRUCTURAL = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "patternProperties", "title"}


def _nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from _nodes(node[key], f"{path}[]")


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_a_schema_is_written_out_and_typed(kind: str) -> None:
    for path, node in _nodes(manifests.schema_of(kind)):
        assert not UNSTRUCTURAL & set(node), path
        assert isinstance(node["type"], str), path


@pytest.mark.parametrize("kind", list(manifests.KINDS))
def test_every_field_says_what_it_is_for(kind: str) -> None:
    silent = [
        path
        for path, node in _nodes(manifests.schema_of(kind))
        if not path.endswith("[]") and not node.get("description")
    ]

    assert silent == []


def test_a_schema_holds_bounds_and_defaults() -> None:
    spec = manifests.schema_of("Campaign")["properties"]["spec"]

    assert spec["required"] == ["looks", "shots"]
    assert spec["properties"]["looks"]["items"]["properties"]["strength"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "default": 1.0,
        "description": "How much of it; 0 is the base model, 1 as trained.",
    }
    assert spec["properties"]["limits"]["default"] == {}
    assert "default" not in spec["properties"]["schedule"]


def test_a_schema_is_the_callers_own_copy() -> None:
    manifests.schema_of("Review")["properties"].clear()

    assert manifests.schema_of("Review")["properties"]


def test_there_is_no_schema_for_another_kind() -> None:
    with pytest.raises(NotFound, match="no kind 'Secret'"):
        manifests.schema_of("Secret")


def test_reading_manifests_needs_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "PIL", "diffusers", "ray", "kubernetes", "minio", "rich", "click"}
    code = f"import sys, cli.documents; print(sorted({heavy!r} & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert loaded.stdout.strip() == "[]"
