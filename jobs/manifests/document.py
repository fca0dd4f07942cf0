"""A manifest as a document and as a model: the one door in, the one door out, and which changes are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from jobs.manifests import names, phrases
from jobs.manifests.brand_project import BrandProject
from jobs.manifests.campaign import Campaign
from jobs.manifests.part import empty_values_dropped, written_name
from jobs.manifests.problems import FieldProblem, ManifestProblems, did_you_mean, problems_of
from jobs.manifests.review import Review
from jobs.manifests.schema import KINDS

AnyManifest = BrandProject | Campaign | Review

NEVER_CHANGED: dict[str, tuple[str, ...]] = {
    "BrandProject": (),
    "Campaign": ("looks", "shots", "sampler"),
    "Review": ("by", "project", "project_uid", "version", "verdict", "tags", "note", "shots"),
}
"""The fields of each kind's spec that stay as they were created."""


def parse(document: object) -> AnyManifest:
    """The manifest that a document says, defaults filled in, presets not. Raises ManifestInvalid with `problems`.

    Fields that hold null count as left out, as on an API server.
    """
    if not isinstance(document, Mapping):
        expected = "a mapping with apiVersion, kind, metadata and spec"
        raise ManifestProblems("A document", [FieldProblem((), phrases.found(document), expected)])
    kind = _kind_of(document)
    try:
        return KINDS[kind].model_validate(empty_values_dropped(document), by_alias=True, by_name=False)
    except ValidationError as error:
        raise ManifestProblems(_title(document), problems_of(kind, error)) from error


def dump(manifest: AnyManifest) -> dict[str, Any]:
    """The document of a manifest, as JSON values: camelCase, defaults written out, nothing that is unset."""
    document = manifest.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = {key: value for key, value in document["metadata"].items() if value not in ({}, [])}
    heading = {"apiVersion": document.pop("apiVersion"), "kind": document.pop("kind"), "metadata": metadata}
    return {**heading, **{key: value for key, value in document.items() if key != "metadata"}}


def check_change(before: AnyManifest, after: AnyManifest) -> None:
    """Nothing, if a manifest may change so; raises ManifestInvalid with `problems` where a fixed field would change."""
    problems = [
        FieldProblem(("spec", written_name(field)), "a change", f"the same as before: {advice_on(after.kind)}")
        for field in NEVER_CHANGED[after.kind]
        if getattr(before.spec, field) != getattr(after.spec, field)
    ]
    if problems:
        raise ManifestProblems(f"{after.kind} {after.title}", problems)


def advice_on(kind: str) -> str:
    """Why a field of that kind never changes, and what to do instead."""
    what = "the person's word" if kind == "Review" else "what a campaign draws"
    return f"{what} is fixed once it is created; write another {kind}"


def _kind_of(document: Mapping[str, Any]) -> str:
    problems = [*_wrong_heading(document, "apiVersion", [names.API_VERSION]), *_wrong_heading(document, "kind", KINDS)]
    if problems:
        raise ManifestProblems(_title(document), problems)
    return str(document["kind"])


def _wrong_heading(document: Mapping[str, Any], field: str, known: Any) -> list[FieldProblem]:
    value = document.get(field)
    if isinstance(value, str) and value in known:
        return []
    expected = f"{field}: {phrases.one_of(known)}"
    return [FieldProblem((field,), phrases.found(value) + did_you_mean(value, known), expected)]


def _title(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return " ".join(str(word) for word in (document.get("kind") or "A document", name) if word)
