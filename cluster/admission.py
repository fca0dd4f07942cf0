"""The verdict on a document before it is kept: what a Kubernetes API server does with our schemas and rules."""

from __future__ import annotations

from cluster.documents import Document
from jobs import manifests


def admit(before: Document | None, after: Document) -> None:
    """Raises ManifestInvalid where a new document, or a change of one, breaks a rule of its kind."""
    wanted = manifests.parse(_declared(after))
    if before is not None:
        manifests.check_change(manifests.parse(_declared(before)), wanted)


def _declared(document: Document) -> Document:
    """The part of a document that people write; what the farm wrote beside it is not judged."""
    return {key: value for key, value in document.items() if key != "status"}
