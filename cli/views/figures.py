"""A judged campaign in numbers, brand by brand, beside what the base alone draws. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from cli.demo_judging import BrandFigures
from cli.output import Answer
from cli.views.columns import Row, aligned

TITLES = ("BRAND", "IMAGES", "RIGHT OBJECT", "RIGHT PLACE", "TO ITS PALETTE", "THE BASE'S", "BAR")


def answer(judged: Sequence[BrandFigures]) -> Answer:
    """The figures in all their forms; distances are in Lab units, and less is nearer."""
    rows = [_row(one) for one in judged]
    return Answer(
        people=lambda width, _wide: _table(rows, width),
        rows=(TITLES, *rows),
        data=[asdict(one) | {"isPassed": one.is_passed} for one in judged],
        names=[one.brand for one in judged],
    )


def _row(one: BrandFigures) -> tuple[str, ...]:
    return (
        one.brand,
        str(one.images),
        f"{one.objects:.1%}",
        f"{one.places:.1%}",
        f"{one.distance:.1f}",
        f"{one.base_distance:.1f}",
        "passed" if one.is_passed else "missed",
    )


def _table(rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    return aligned(TITLES, [Row([Text(cell) for cell in row]) for row in rows], width)
