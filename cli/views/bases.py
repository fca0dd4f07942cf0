"""Foundation models as a table, as rows and as data. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.bases import Shown, Whole
from cli.output import Answer
from cli.views.columns import Row, aligned, cell
from jobs.bases.catalogue import Listed

TITLES = ("NAME", "FAMILY", "PIXELS", "LICENCE", "COMMERCIAL", "SIZE", "DIGEST", "USED BY")
SHORT_DIGEST = 12


def answer(shown: Sequence[Shown]) -> Answer:
    """Bases in all their forms."""
    rows = [_row(one) for one in shown]
    return Answer(
        people=lambda width, _wide: _table(shown, width),
        rows=(TITLES, *rows),
        data=[_facts(one) for one in shown],
        names=[f"base/{one.base.name}" for one in shown],
    )


def whole_answer(whole: Whole) -> Answer:
    """One base in all its forms."""
    base = whole.shown.base
    lines = [
        ("name", base.name),
        ("family", f"{base.family}, trained at {base.resolution} px"),
        ("licence", f"{base.licence}, {_use(base.commercial)}"),
        ("source", base.source),
        ("description", base.description or "-"),
        ("digest", base.digest),
        ("size", size(base.size)),
        ("used by", ", ".join(whole.shown.brands) or "-"),
        *((f"meaning {one.number}", f"{one.digest[:SHORT_DIGEST]} from {one.source}") for one in whole.numbered[:-1]),
        *((path, size(count)) for path, count in sorted(whole.sizes.items())),
    ]
    data = _facts(whole.shown) | {
        "files": whole.sizes,
        "before": [_facts(Shown(one, ())) for one in whole.numbered[:-1]],
    }
    return Answer(
        people=lambda _width, _wide: _lines(lines),
        rows=(("FIELD", "VALUE"), *lines),
        data=data,
        names=[f"base/{base.name}"],
    )


def size(count: int) -> str:
    """Bytes as people say them: `3.1 KB`, `9.6 MB`, `6.9 GB`."""
    if count < 1e6:
        return f"{count / 1e3:.1f} KB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def facts(base: Listed) -> dict[str, Any]:
    """A base as data."""
    return asdict(base)


def _use(commercial: bool) -> str:
    return "commercial use allowed" if commercial else "no commercial use"


def _row(one: Shown) -> tuple[str, ...]:
    base = one.base
    return (
        base.name,
        base.family,
        str(base.resolution),
        base.licence,
        "yes" if base.commercial else "no",
        size(base.size),
        base.digest[:SHORT_DIGEST],
        ", ".join(one.brands),
    )


def _facts(one: Shown) -> dict[str, Any]:
    return facts(one.base) | {"brands": list(one.brands)}


def _table(shown: Sequence[Shown], width: int) -> RenderableType:
    rows = [Row(_cells(one), Text(one.base.description, "dim") if one.base.description else None) for one in shown]
    return aligned(TITLES, rows, width)


def _cells(one: Shown) -> list[Text]:
    return [
        Text(value, "yellow") if title == "COMMERCIAL" and value == "no" else cell(value)
        for title, value in zip(TITLES, _row(one), strict=True)
    ]


def _lines(lines: Sequence[tuple[str, str]]) -> RenderableType:
    longest = max(len(name) for name, _ in lines)
    return Group(*(Text(f"{name.ljust(longest)}  ", "dim").append(value, "not dim") for name, value in lines))
