"""A forecast for people: what each manifest would change and cause, and the sums. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.applying import Difference
from cli.forecasting import Forecast
from cli.output import Answer
from cli.views import marks

SHOWN_DIFFERENCES = 8
_SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "none": ("=", "dim")}


def answer(forecasts: Sequence[Forecast]) -> Answer:
    """Forecasts in all their forms."""
    heading = ("KIND", "NAME", "CHANGE", "STEPS", "SHOTS", "WORK")
    return Answer(
        people=lambda _width, _wide: render(forecasts),
        rows=(heading, *(_row(one) for one in forecasts)),
        data=[asdict(one) for one in forecasts],
        names=[f"{one.kind.lower()}/{one.name}" for one in forecasts],
    )


def render(forecasts: Sequence[Forecast]) -> RenderableType:
    """Each manifest with a sign (+ new, ~ changed, = the same), its changes, its work; then the sums."""
    return Group(*(part for one in forecasts for part in _parts(one)), _sums(forecasts))


def difference(one: Difference) -> str:
    """`spec.recipe.steps: 300 -> 400`, without the spec."""
    return f"{one.field}: {_value(one.before)} -> {_value(one.after)}"


def _parts(one: Forecast) -> list[RenderableType]:
    sign, style = _SIGNS[one.change]
    lines: list[RenderableType] = [Text(f"{sign} {one.kind.lower()}/{one.name}", f"bold {style}".strip())]
    lines += [_indented(difference(found), "dim") for found in one.differences[:SHOWN_DIFFERENCES]]
    left_out = len(one.differences) - SHOWN_DIFFERENCES
    lines += [_indented(f"and {left_out} more changes", "dim")] if left_out > 0 else []
    lines += [_indented(work) for work in one.work]
    lines += [_indented(f"Warning: {warning}", "yellow") for warning in one.warnings]
    return [*lines, Text()]


def _indented(text: str, style: str = "") -> RenderableType:
    return Padding(Text(text, style), (0, 0, 0, 4), expand=False)


def _sums(forecasts: Sequence[Forecast]) -> Text:
    trained = [one for one in forecasts if one.kind == "BrandProject" and one.steps]
    shots = sum(one.shots for one in forecasts)
    steps = sum(one.steps for one in trained)
    if not trained and not shots:
        return Text("Nothing would be trained or drawn. Nothing was changed.")
    sums = [
        *([f"{marks.plural(len(trained), 'version')} trained in {steps} steps"] if trained else []),
        *([f"{marks.plural(shots, 'image')} drawn"] if shots else []),
    ]
    return Text(f"In all: {', '.join(sums)}. Nothing was changed.")


def _value(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:36]}..."


def _row(one: Forecast) -> tuple[str, ...]:
    return one.kind, one.name, one.change, str(one.steps), str(one.shots), "; ".join((*one.work, *one.warnings))
