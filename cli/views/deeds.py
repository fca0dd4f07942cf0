"""What was done, as lines that a person reads and rows that a script reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.output import Answer
from cli.views import marks


@dataclass(frozen=True)
class Deed:
    """One thing that was done: to which manifest, what, in one sentence what follows, and the manifest as it is kept."""

    name: str  # kind/name
    did: str
    follows: str = ""
    document: Any = None


def answer(deeds: Sequence[Deed]) -> Answer:
    """Deeds in all their forms."""
    documents = [deed.document for deed in deeds]
    return Answer(
        people=lambda _width, _wide: Group(*(_line(deed) for deed in deeds)),
        rows=(("NAME", "DID", "FOLLOWS"), *((deed.name, deed.did, deed.follows) for deed in deeds)),
        data=documents[0] if len(documents) == 1 else documents,
        names=[deed.name for deed in deeds],
    )


def _line(deed: Deed) -> RenderableType:
    text = Text(f"{deed.name} ").append(deed.did, marks.style_of(deed.did))
    return text.append(f"\n  {deed.follows}", "dim") if deed.follows else text
