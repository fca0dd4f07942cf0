"""Documents drawn from the published schemas: whatever a schema allows is accepted, or breaks a rule over several fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jobs import manifests
from tests.jobs.manifests.table import CAMPAIGN, PROJECT, REVIEW

MINIMAL = {"BrandProject": PROJECT, "Campaign": CAMPAIGN, "Review": REVIEW}
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**40), st.floats(), st.text(max_size=5), st.just([]), st.just({})
)


def values_of(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema's node allows."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node["type"]:
        case "string":
            return _texts(node)
        case "integer":
            step = node.get("multipleOf", 1)
            least, most = node.get("minimum", 0), node.get("maximum", 2**31)
            return st.integers(-(-least // step), most // step).map(lambda value: value * step)
        case "number":
            return st.floats(
                node.get("minimum", node.get("exclusiveMinimum", 0)),
                node.get("maximum", node.get("exclusiveMaximum", 1e6)),
                exclude_min="exclusiveMinimum" in node,
                exclude_max="exclusiveMaximum" in node,
            )
        case "boolean":
            return st.booleans()
        case "array":
            return _lists(node)
        case _:
            return _mappings(node)


def _texts(node: dict[str, Any]) -> st.SearchStrategy[str]:
    longest = node.get("maxLength", 1000)
    if "pattern" not in node:
        return st.text(st.characters(codec="utf-8"), max_size=min(longest, 20))
    texts = st.from_regex(
        node["pattern"].replace("$", r"\Z"), alphabet=st.characters(min_codepoint=32, max_codepoint=126)
    )
    return texts.filter(lambda text: len(text) <= longest)


def _lists(node: dict[str, Any]) -> st.SearchStrategy[list[Any]]:
    least = node.get("minItems", 0)
    most = max(least, min(node.get("maxItems", 3), 3))
    return st.lists(values_of(node["items"]), min_size=least, max_size=most, unique_by=repr)


def _mappings(node: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in node:
        keys = _texts({"type": "string", **node.get("propertyNames", {})})
        return st.dictionaries(keys, values_of(node["additionalProperties"]), max_size=3)
    fields = {name: values_of(child) for name, child in node["properties"].items()}
    required = {name: fields.pop(name) for name in node.get("required", ())}
    return st.fixed_dictionaries(required, optional=fields)


def parts_of(kind: str) -> st.SearchStrategy[tuple[str, Any]]:
    """One field of a kind's spec, or its status, with a value that the schema allows."""
    schema = manifests.schema_of(kind)["properties"]
    spec = [st.tuples(st.just(name), values_of(node)) for name, node in schema["spec"]["properties"].items()]
    status = [st.tuples(st.just("status"), values_of(schema["status"]))] if "status" in schema else []
    return st.one_of(*spec, *status)


def with_part(kind: str, name: str, value: Any) -> dict[str, Any]:
    document = MINIMAL[kind]
    if name == "status":
        return {**document, "status": value}
    return {**document, "spec": {**document["spec"], name: value}}


def accepted_or_refused(document: dict[str, Any]) -> tuple[manifests.AnyManifest | None, set[str]]:
    """The manifest, or the kinds of error for which it was refused."""
    try:
        return manifests.parse(document), set()
    except manifests.ManifestProblems as refused:
        cause = refused.__cause__
    assert isinstance(cause, ValidationError)
    return None, {error["type"] for error in cause.errors()}


@pytest.mark.parametrize("kind", list(manifests.KINDS))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_schema_allows_comes_back_the_same_or_breaks_a_rule(kind: str, data: st.DataObject) -> None:
    document = with_part(kind, *data.draw(parts_of(kind)))
    manifest, refused_for = accepted_or_refused(document)
    assert refused_for <= {"broken_rules", "value_error"}
    if manifest is None:
        return
    dumped = manifests.dump(manifest)
    assert manifests.parse(dumped) == manifest
    assert manifests.dump(manifests.parse(dumped)) == dumped


@pytest.mark.parametrize("kind", list(manifests.KINDS))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_that_is_written_in_a_field_escapes_as_another_error(kind: str, data: st.DataObject) -> None:
    document = with_part(kind, data.draw(st.sampled_from(sorted(MINIMAL[kind]["spec"]))), data.draw(ODD))
    manifest, refused_for = accepted_or_refused(document)

    assert (manifest is None) == bool(refused_for)


def test_a_dumped_document_opens_with_its_heading_and_holds_nothing_unset() -> None:
    assert manifests.dump(manifests.parse(REVIEW)) == {
        "apiVersion": "brandfarm.dev/v1alpha1",
        "kind": "Review",
        "metadata": {"generateName": "stable-socks-v3-", "namespace": "studio-a"},
        "spec": {
            "by": "lead@studio-a",
            "project": "stable-socks",
            "version": "v3",
            "verdict": "approve",
            "tags": [],
            "note": "",
            "shots": [],
        },
    }
    assert list(manifests.dump(manifests.parse(PROJECT))) == ["apiVersion", "kind", "metadata", "spec"]
