"""People's words on a project: the Reviews that speak of it, in the order in which they were said. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from jobs import manifests
from jobs.errors import ManifestInvalid
from jobs.manifests import BrandProject, Review, version_number
from operators.observed import Word

Document = dict[str, Any]

log = structlog.get_logger("controller")


def words_on(project: BrandProject, reviews: Iterable[Document]) -> tuple[Word, ...]:
    """The words on this project and no namesake of it, oldest first.

    A Review that names no uid counts from the project's own creation on. One that breaks the rules counts for nothing.
    """
    spoken = sorted((document for document in reviews if _speaks_of(project, document)), key=_when)
    return tuple(word for word in map(_word, spoken) if word is not None)


def _word(document: Document) -> Word | None:
    try:
        review = manifests.parse(document)
    except ManifestInvalid as broken:
        log.warning("review passed over", review=document["metadata"]["name"], why=broken.message)
        return None
    assert isinstance(review, Review)
    return Word(review.spec.by, version_number(review.spec.version), review.spec.verdict)


def _speaks_of(project: BrandProject, document: Document) -> bool:
    spec = document.get("spec", {})
    if spec.get("project") != project.metadata.name:
        return False
    if spec.get("projectUid"):
        return bool(spec["projectUid"] == project.metadata.uid)
    return bool(document["metadata"]["creationTimestamp"] >= (project.metadata.creation_timestamp or ""))


def _when(document: Document) -> tuple[str, int, str]:
    """When it was said: to the second, then in the order of writing."""
    metadata = document["metadata"]
    return metadata["creationTimestamp"], int(metadata["resourceVersion"]), metadata["name"]
