"""What a look at a folder came to: the manifest that was written, what its words are, what was noticed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.beginning import Draft
from cli.drafting import named, unnamed
from cli.output import Answer
from jobs.datasets.noticing import Notice


@dataclass(frozen=True)
class Begun:
    """A draft, the manifest's path, and the captions that were written."""

    draft: Draft
    path: str
    captions: tuple[str, ...] = ()


def answer(begun: Begun) -> Answer:
    """The look in all its forms."""
    return Answer(
        people=lambda _width, _wide: Group(*_parts(begun)),
        rows=(("ABOUT", "WHAT", "FILES"), *_rows(begun)),
        data=_data(begun),
        names=[f"brandproject/{begun.draft.asked.name}"],
    )


def _parts(begun: Begun) -> Iterator[RenderableType]:
    draft = begun.draft
    yield Text(f"brandproject/{draft.asked.name} ").append("written", "green").append(f" to {begun.path}")
    facts = (
        ("pictures", f"{draft.pictures}, {draft.sizes}"),
        ("trigger", f"{draft.trigger.value}: {draft.trigger.why}"),
        ("class", f"{draft.class_name.value}: {draft.class_name.why}"),
        ("recipe", f"{draft.training.steps} steps at {draft.training.resolution} px: {draft.training.why}"),
    )
    for name, words in facts:
        yield Text(f"  {name:<10}", "dim").append(words, "not dim")
    yield _swatches(draft.palette)
    if begun.captions:
        yield Text(f"  {'captions':<10}", "dim").append(
            f"{len(begun.captions)} drafts: {named(begun.captions)}", "not dim"
        )
    if not draft.notices:
        yield Text("\nNothing odd was noticed.")
        return
    yield Text("\nNoticed:", "bold")
    for notice in draft.notices:
        yield Padding(_notice(notice), (0, 0, 0, 2), expand=False)


def _notice(notice: Notice) -> Text:
    text = Text(f"{notice.sentence}.", "yellow")
    files = unnamed(notice)
    return text.append(f"\n  {files}", "dim not yellow") if files else text


def _swatches(colours: Sequence[str]) -> Text:
    text = Text("  palette   ", "dim")
    for colour in colours:
        text.append("██", f"not dim {colour}").append(f" {colour}  ", "not dim")
    return text


def _rows(begun: Begun) -> Iterator[tuple[str, str, str]]:
    draft = begun.draft
    yield "manifest", begun.path, ""
    yield "pictures", f"{draft.pictures}, {draft.sizes}", ""
    yield "trigger", draft.trigger.value, ""
    yield "class", draft.class_name.value, ""
    yield "steps", str(draft.training.steps), ""
    yield "palette", " ".join(draft.palette), ""
    yield from (("caption", "draft written", name) for name in begun.captions)
    yield from ((notice.about, notice.sentence, " ".join(notice.files)) for notice in draft.notices)


def _data(begun: Begun) -> dict[str, Any]:
    draft = begun.draft
    return {
        "name": draft.asked.name,
        "manifest": begun.path,
        "pictures": draft.pictures,
        "sizes": draft.sizes,
        "trigger": {"word": draft.trigger.value, "why": draft.trigger.why},
        "class": {"word": draft.class_name.value, "why": draft.class_name.why},
        "prompts": list(draft.prompts),
        "palette": list(draft.palette),
        "steps": draft.training.steps,
        "resolution": draft.training.resolution,
        "captionsWritten": list(begun.captions),
        "noticed": [{"about": one.about, "sentence": one.sentence, "files": list(one.files)} for one in draft.notices],
    }
