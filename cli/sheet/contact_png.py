"""One picture of a sheet, for READMEs and terminals: references, the base's row, the version's row, with labels.

It draws with Pillow, which only the worker's extra brings; everything else of the sheet does without.
"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.sheet import facts, grid
from cli.sheet.data import Cell, Image, SheetData, VersionSheet
from cli.sheet.folder import FolderRefused
from jobs.errors import FarmError

if TYPE_CHECKING:
    from PIL.Image import Image as Drawing
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import BaseImageFont

MOST_COLUMNS = 8
GROUND, INK, QUIET, EMPTY = "#1d1d1d", "#ececec", "#a8a8a8", "#292929"
MARGIN, GAP, LABELS, HEAD, FOOT = 32, 8, 96, 84, 44  # pixels
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 30, 15, 12


class PillowMissing(FarmError):
    """Pictures can only be drawn where Pillow is installed."""


@dataclass(frozen=True)
class _Row:
    """A label and a picture for each column; None where there is none."""

    label: str
    images: Sequence[Image | None]


def draw(data: SheetData, to: Path, *, version: str = "", side: int = 128) -> Path:
    """Draws the overview of a version, the newest unless named, as a PNG file; `side` is a picture's width in pixels.

    Raises PillowMissing, FolderRefused where the file cannot be written, KeyError for an unknown version.
    """
    try:
        from PIL import Image as pillow
        from PIL import ImageDraw
    except ImportError as error:
        raise PillowMissing(
            "The overview cannot be drawn: Pillow is not installed.",
            hint="Install it with `uv tool install 'brandfarm[worker]'`, or look at the sheet's index.html.",
        ) from error
    shown = data.version(version) if version else data.newest
    columns = _columns(shown)
    rows = _rows(data, shown, columns)
    width = 2 * MARGIN + LABELS + len(columns) * (side + GAP) - GAP
    height = MARGIN + HEAD + len(rows) * (side + GAP) + FOOT
    canvas = pillow.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(canvas)
    _write_head(pen, data, shown, width)
    for number, row in enumerate(rows):
        _draw_row(canvas, pen, data, row, MARGIN + HEAD + number * (side + GAP), side)
    _write_captions(pen, columns, grid.prompts_of(data), height - FOOT, side)
    return _save(canvas, Path(to))


def _columns(version: VersionSheet) -> list[Cell]:
    """The places to show: every prompt with its first seed, then with further ones, as long as there is room."""
    by_seed = sorted(version.cells, key=lambda cell: version.plan.seeds.index(cell.seed))
    return sorted(by_seed[:MOST_COLUMNS], key=lambda cell: cell.prompt)


def _rows(data: SheetData, version: VersionSheet, columns: Sequence[Cell]) -> list[_Row]:
    base = {cell.place: cell.finished for cell in version.base}
    rows = [
        _Row("base model", [base.get(cell.place) for cell in columns]),
        _Row(version.name, [cell.finished for cell in columns]),
    ]
    references = [one.image for one in data.references[: len(columns)]]
    return [_Row("references", references), *rows] if references else rows


def _write_head(pen: ImageDraw, data: SheetData, version: VersionSheet, width: int) -> None:
    finish = facts.finish_words(version.plan.looks[-1].finish)
    _text(pen, (MARGIN, MARGIN - 6), data.project, TITLE_SIZE, INK)
    _text(pen, (MARGIN, MARGIN + 34), f"{version.name} · trigger {data.trigger} · finish {finish}", TEXT_SIZE, QUIET)
    for number, colour in enumerate(reversed(data.palette)):
        left = width - MARGIN - (number + 1) * 40
        pen.rectangle((left, MARGIN, left + 36, MARGIN + 36), fill=colour)


def _draw_row(canvas: Drawing, pen: ImageDraw, data: SheetData, row: _Row, top: int, side: int) -> None:
    _text(pen, (MARGIN, top + side // 2 - TEXT_SIZE // 2), row.label, TEXT_SIZE, INK)
    for number, image in enumerate(row.images):
        left = MARGIN + LABELS + number * (side + GAP)
        if image is None:
            pen.rectangle((left, top, left + side - 1, top + side - 1), fill=EMPTY)
            _text(pen, (left + 10, top + 10), "missing", SMALL_SIZE, QUIET)
        else:
            canvas.paste(_scaled(data.pictures[image.digest], side), (left, top))


def _scaled(png: bytes, side: int) -> Drawing:
    """The picture within a square of `side` pixels: small ones pixel by pixel, larger ones smoothly."""
    from PIL import Image as pillow
    from PIL import ImageOps

    with pillow.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    is_small = picture.width <= grid.LARGEST_PIXELATED
    method = pillow.Resampling.NEAREST if is_small else pillow.Resampling.LANCZOS
    return ImageOps.pad(picture, (side, side), method=method, color=GROUND)


def _write_captions(pen: ImageDraw, columns: Sequence[Cell], prompts: Sequence[str], top: int, side: int) -> None:
    opening = facts.shared_opening(prompts)
    for number, cell in enumerate(columns):
        left = MARGIN + LABELS + number * (side + GAP)
        words = cell.recipe.prompt.removeprefix(opening).strip()
        while pen.textlength(words, font=_font(SMALL_SIZE)) > side and " " in words:
            words = words.rpartition(" ")[0].rstrip(",") + "…"
        _text(pen, (left, top), words, SMALL_SIZE, INK)
        _text(pen, (left, top + SMALL_SIZE + 4), f"seed {cell.seed}", SMALL_SIZE, QUIET)


def _text(pen: ImageDraw, place: tuple[int, int], words: str, size: int, colour: str) -> None:
    pen.text(place, words, fill=colour, font=_font(size))


def _font(size: int) -> BaseImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _save(canvas: Drawing, to: Path) -> Path:
    writing = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
    try:
        canvas.save(writing, "PNG", optimize=True)
        os.replace(writing, to)
    except OSError as refused:
        writing.unlink(missing_ok=True)
        raise FolderRefused(
            f"The overview could not be written to {to}: {refused.strerror or refused}.",
            hint="Name a file in a folder that is there and where you may write.",
        ) from refused
    return to
