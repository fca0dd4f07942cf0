"""What a pull came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from cli.output import Answer
from cli.pulling import Became, Pull, Pulled
from cli.views import marks


def answer(pull: Pull) -> Answer:
    """A pull in all its forms; rows are the images."""
    heading = ("FILE", "BECAME", "LOOK", "SEED", "SHA256", "PROMPT")
    rows = [
        (one.file, one.became.value, one.look, str(one.shot.seed), one.digest, one.shot.recipe.prompt)
        for one in pull.images
    ]
    return Answer(
        people=lambda _width, _wide: Text(sentence(pull)),
        rows=(heading, *rows),
        data=[{**one.facts, "became": one.became.value} for one in pull.images],
        names=[str(pull.to / one.file) for one in pull.images if one.digest],
    )


def sentence(pull: Pull) -> str:
    """How many images stand in the folder, where they came from, and what to open."""
    count = Counter(one.became for one in pull.images)
    stand = count[Became.FETCHED] + count[Became.THERE]
    from_before = "all" if count[Became.THERE] == stand else count[Became.THERE]
    there = f", {from_before} of them from before" if count[Became.THERE] else ""
    shown = f"{pull.contact.name} shows them, " if pull.contact else ""
    return f"{marks.plural(stand, 'image')} in {pull.to}{there}; {shown}manifest.json says what each is."


def missing(images: Sequence[Pulled]) -> str:
    """Which images are not there, in a sentence; empty where none is missing."""
    count = Counter(one.became for one in images)
    parts = [
        f"{count[Became.MISSING]} of {len(images)} images are not drawn" if count[Became.MISSING] else "",
        f"{count[Became.CORRUPT]} are damaged in the store" if count[Became.CORRUPT] else "",
    ]
    return ", ".join(part for part in parts if part)
