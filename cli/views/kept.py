"""Manifests as they are kept, as a list of what they are called. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from cli.output import Answer
from cli.views import marks
from cli.views.columns import Row, aligned, cell

HEADING = ("KIND", "NAMESPACE", "NAME", "GENERATION", "STATE", "CREATED")


def answer(documents: Sequence[dict[str, Any]], *, is_one: bool = False) -> Answer:
    """Manifests in all their forms; one alone is an object rather than a list."""
    rows = [_row(document) for document in documents]
    return Answer(
        people=lambda width, _wide: aligned(HEADING, [Row(_cells(row)) for row in rows], width),
        rows=(HEADING, *rows),
        data=documents[0] if is_one else list(documents),
        names=[f"{document['kind'].lower()}/{document['metadata']['name']}" for document in documents],
    )


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    metadata = document["metadata"]
    state = document["spec"].get("verdict") or (document.get("status") or {}).get("phase") or ""
    created = str(metadata.get("creationTimestamp", ""))
    return (
        document["kind"],
        metadata["namespace"],
        metadata["name"],
        str(metadata.get("generation", "")),
        state,
        created,
    )


def _cells(row: tuple[str, ...]) -> list[Text]:
    return [marks.phase(value) if title == "STATE" else cell(value) for title, value in zip(HEADING, row, strict=True)]
