"""What a pull came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from cli.output import Answer
from cli.pulling import Became, Pulled
from cli.views import marks


def answer(pulled: Sequence[Pulled], to: Path) -> Answer:
    """A pull in all its forms; rows are the images."""
    heading = ("FILE", "BECAME", "LOOK", "SEED", "SHA256", "PROMPT")
    rows = [
        (one.file, one.became.value, one.look, str(one.shot.seed), one.digest, one.shot.recipe.prompt) for one in pulled
    ]
    return Answer(
        people=lambda _width, _wide: Text(sentence(pulled, to)),
        rows=(heading, *rows),
        data=[{**one.facts, "became": one.became.value} for one in pulled],
        names=[str(to / one.file) for one in pulled if one.digest],
    )


def sentence(pulled: Sequence[Pulled], to: Path) -> str:
    """How many images stand in the folder, and where they came from."""
    count = Counter(one.became for one in pulled)
    stand = count[Became.FETCHED] + count[Became.THERE]
    from_before = "all" if count[Became.THERE] == stand else count[Became.THERE]
    there = f", {from_before} of them from before" if count[Became.THERE] else ""
    return f"{marks.plural(stand, 'image')} in {to}{there}; manifest.json and manifest.csv say what each is."


def missing(pulled: Sequence[Pulled]) -> str:
    """Which images are not there, in a sentence; empty where none is missing."""
    count = Counter(one.became for one in pulled)
    parts = [
        f"{count[Became.MISSING]} of {len(pulled)} images are not drawn" if count[Became.MISSING] else "",
        f"{count[Became.CORRUPT]} are damaged in the store" if count[Became.CORRUPT] else "",
    ]
    return ", ".join(part for part in parts if part)
