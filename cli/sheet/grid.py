"""The heart of the sheet: a row for each prompt, in it the base's pictures and each version's, by seed. Values in, markup out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.sheet import document, facts
from cli.sheet.data import BASE, Cell, Image, SheetData, VersionSheet
from cli.sheet.files import Names
from cli.sheet.markup import Html, joined, tag

LARGEST_PIXELATED = 128
"""Pictures up to this many pixels wide are shown as they are, pixel by pixel; larger ones are scaled smoothly."""


@dataclass(frozen=True)
class Set:
    """The pictures of one prompt by one look; `versions` are those beside which it stands."""

    look: str
    versions: tuple[str, ...]
    cells: tuple[Cell, ...]


def rows(data: SheetData, names: Names) -> Html:
    """All prompts, those of the newest version first."""
    prompts = prompts_of(data)
    opening = facts.shared_opening(prompts)
    return joined(_row(data, names, number, prompt, opening) for number, prompt in enumerate(prompts, start=1))


def prompts_of(data: SheetData) -> list[str]:
    """Every prompt that a version was drawn with, each once."""
    newest_first = reversed(data.versions)
    return list(dict.fromkeys(cell.recipe.prompt for version in newest_first for cell in version.cells))


def sets(data: SheetData, prompt: str) -> list[Set]:
    """The looks of one prompt: the base's, once where versions share it, then each version's."""
    bases: dict[tuple[str, ...], Set] = {}
    own: list[Set] = []
    for version in data.versions:
        base, cells = _with_prompt(version.base, prompt), _with_prompt(version.cells, prompt)
        if base:
            recipes = tuple(cell.recipe.hash for cell in base)
            sharing = bases[recipes].versions if recipes in bases else ()
            bases[recipes] = Set(BASE, (*sharing, version.name), base)
        if cells:
            own.append(Set(version.name, (version.name,), cells))
    return [*bases.values(), *own]


def picture(image: Image, names: Names, words: str, **attributes: str | None) -> Html:
    """An image element; small pictures are marked to be shown pixel by pixel."""
    return tag(
        "img",
        src=names[image.digest],
        alt=words,
        width=image.width,
        height=image.height,
        loading="lazy",
        decoding="async",
        class_="tiny" if image.width <= LARGEST_PIXELATED else None,
        **attributes,
    )


def emphasised(prompt: str, trigger: str) -> Html:
    """The prompt with its trigger marked."""
    words = prompt.split(" ")
    return joined(
        part
        for number, word in enumerate(words)
        for part in (" " if number else "", tag("b", word) if word.strip(".,;:") == trigger else word)
    )


def _with_prompt(cells: Sequence[Cell], prompt: str) -> tuple[Cell, ...]:
    return tuple(cell for cell in cells if cell.recipe.prompt == prompt)


def _row(data: SheetData, names: Names, number: int, prompt: str, opening: str) -> Html:
    heading = tag(
        "h3",
        tag("span", f"{number:02d}", class_="number"),
        tag("span", emphasised(prompt, data.trigger)),
        class_="prompt",
    )
    short = f"… {prompt.removeprefix(opening).strip()}" if opening else prompt
    columns = joined(_set(data, names, one, short) for one in sets(data, prompt))
    return tag("section", heading, tag("div", columns, class_="sets"), class_="row")


def _set(data: SheetData, names: Names, one: Set, short: str) -> Html:
    pictures = joined(_figure(data, names, one, cell, short) for cell in one.cells)
    return tag(
        "div",
        tag("h4", facts.look_name(one.look)),
        tag("div", pictures, class_="pictures"),
        class_="set",
        data_look=one.look,
        data_versions=" ".join(one.versions),
    )


def _figure(data: SheetData, names: Names, one: Set, cell: Cell, short: str) -> Html:
    version = one.versions[0]
    beside = _base_beside(data.version(version), cell) if cell.look != BASE else None
    caption = tag(
        "figcaption",
        tag("span", short, class_="short"),
        tag("span", facts.shot_line(cell), class_="line"),
        joined(_said(data.version(version), cell)),
    )
    return tag(
        "figure",
        _frame(cell, names),
        caption,
        class_="shot",
        id=document.cell_id(cell, version),
        data_look=cell.look,
        data_base=document.cell_id(beside, version) if beside else None,
    )


def _frame(cell: Cell, names: Names) -> Html:
    words = f"{facts.look_name(cell.look)}: {cell.recipe.prompt}, seed {cell.seed}"
    if cell.finished is None:
        return tag(
            "div",
            tag("span", "missing", class_="glyph"),
            tag("span", cell.missing),
            class_="frame gone",
            role="img",
            aria_label=f"{words}: missing, {cell.missing}",
        )
    return tag("a", picture(cell.finished, names, words), href=names[cell.finished.digest], class_="frame")


def _base_beside(version: VersionSheet, cell: Cell) -> Cell | None:
    return next((base for base in version.base if base.place == cell.place), None)


def _said(version: VersionSheet, cell: Cell) -> Iterator[Html]:
    for word in version.words:
        verdict = word.shots.get((cell.prompt, cell.seed))
        if verdict is not None and cell.look != BASE:
            yield tag("span", f"{word.by}: {verdict}", class_="said")
