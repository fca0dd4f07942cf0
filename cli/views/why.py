"""Why something stands where it does, as indented sentences and next steps. Pure."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.output import Answer
from cli.reasons import Why

INDENT = 2


def answer(why: Why) -> Answer:
    """The sentences in all their forms."""
    sentences = [(str(one.depth), one.text) for one in why.sentences]
    return Answer(
        people=lambda _width, _wide: render(why),
        rows=(("DEPTH", "SENTENCE"), *sentences, *(("next", step) for step in why.steps)),
        data={
            "name": why.name,
            "phase": why.phase,
            "sentences": [{"depth": one.depth, "text": one.text} for one in why.sentences],
            "next": why.steps,
        },
        names=[why.name],
    )


def render(why: Why) -> RenderableType:
    """Each sentence below the one that it explains."""
    lines: list[RenderableType] = [
        Padding(Text(one.text, "" if one.depth else "bold"), (0, 0, 0, INDENT * one.depth)) for one in why.sentences
    ]
    return Group(*lines, *(Text("Next: ", "bold").append(step, "not bold") for step in why.steps))
