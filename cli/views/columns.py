"""Rows in aligned columns, each with a note of its own below or beside it. Pure: cells and a width in, a renderable out.

A cell is never cut: where a row is wider than the terminal, the terminal breaks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GAP = 2
NARROWEST_NOTE = 36
"""Columns that a note needs to stand beside its row; with fewer it stands below."""


@dataclass(frozen=True)
class Row:
    """Cells, and a sentence about them."""

    cells: Sequence[Text]
    note: Text | None = None


def aligned(titles: Sequence[str], rows: Sequence[Row], width: int, note_title: str = "") -> RenderableType:
    """The rows under their titles; notes beside them where there is room, else each below its row."""
    sizes = _sizes(titles, rows)
    left = width - sum(sizes) - GAP * len(sizes)
    if note_title and left >= NARROWEST_NOTE:
        return _beside((*titles, note_title), rows, sizes)
    return _below(titles, rows, sizes)


def cell(text: str | None, style: str = "") -> Text:
    """A cell; what is missing is a dash."""
    return Text(text, style) if text else Text("-", "dim")


def _sizes(titles: Sequence[str], rows: Sequence[Row]) -> list[int]:
    return [max([len(title), *(row.cells[column].cell_len for row in rows)]) for column, title in enumerate(titles)]


def _beside(titles: Sequence[str], rows: Sequence[Row], sizes: Sequence[int]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for number, title in enumerate(titles):
        is_note = number == len(sizes)
        table.add_column(title, no_wrap=not is_note, min_width=None if is_note else sizes[number])
    for row in rows:
        table.add_row(*row.cells, row.note or Text())
    return table


def _below(titles: Sequence[str], rows: Sequence[Row], sizes: Sequence[int]) -> RenderableType:
    lines: list[RenderableType] = [_line([Text(title, "bold") for title in titles], sizes)]
    for row in rows:
        lines.append(_line(row.cells, sizes))
        if row.note:
            lines.append(Padding(row.note, (0, 0, 0, GAP), expand=False))
    return Group(*lines)


def _line(cells: Sequence[Text], sizes: Sequence[int]) -> Text:
    line = Text(overflow="fold")
    for number, (one, size) in enumerate(zip(cells, sizes, strict=True)):
        is_last = number == len(cells) - 1
        line.append_text(one)
        line.append("" if is_last else " " * (size - one.cell_len + GAP))
    return line
