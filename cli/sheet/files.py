"""Which file of the sheet's folder a picture is: names that a person can read, each picture once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cli.sheet.data import Cell, SheetData

FOLDER = "images"

Names = Mapping[str, str]
"""The file of each digest, relative to the sheet's folder."""


def names(data: SheetData) -> Names:
    """A file for every picture that is shown; one that is shown twice is named for its first place."""
    named: dict[str, str] = {}
    for title, digest in _titled(data):
        named.setdefault(digest, f"{FOLDER}/{title}-{digest[:8]}.png")
    return named


def _titled(data: SheetData) -> Iterator[tuple[str, str]]:
    for number, reference in enumerate(data.references, start=1):
        yield f"reference-{number:02d}", reference.image.digest
    for cell in data.cells():
        yield from _cell_titles(cell)
    for version in data.versions:
        for number, sample in enumerate(version.training.samples if version.training else ()):
            yield f"{version.name}-step{sample.step:05d}-{number + 1:03d}", sample.image.digest


def _cell_titles(cell: Cell) -> Iterator[tuple[str, str]]:
    place = f"{cell.look}-p{cell.prompt + 1}-s{cell.seed}"
    if cell.finished is not None:
        yield place, cell.finished.digest
    if cell.raw is not None:
        yield f"{place}-unfinished", cell.raw.digest
