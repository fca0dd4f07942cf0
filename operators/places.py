"""Where a manifest stands: its kind, namespace and name. Knows nothing of what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where a manifest is, was, or will be."""

    kind: str
    namespace: str
    name: str


def place_of(document: dict[str, Any]) -> Place:
    """Where a document stands."""
    return Place(document["kind"], document["metadata"]["namespace"], document["metadata"]["name"])
