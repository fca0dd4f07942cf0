"""The night as a person reads it at nine: one sentence, what needs them, what was done, what failed, what it cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli.night import Failed, Night
from cli.views import marks
from cli.views.columns import Row, aligned, cell
from cluster.documents import timestamp

MOST_LINES = 8
"""Of each list; a farm of hundreds of brands says how many more there are."""


def parts(night: Night, width: int, unit: str, price: float | None) -> list[RenderableType]:
    """The night for people, a blank line before each part."""
    found: list[RenderableType] = [headline(night, unit, price)]
    for part in (_needs(night, width), _done(night, width), _failed(night, width), _spent(night, width, unit, price)):
        if part is not None:
            found += [Text(), part]
    return found


def headline(night: Night, unit: str, price: float | None) -> Text:
    """The night in one sentence."""
    ended = sum(one.ended for one in night.drawn)
    done = [
        *([f"{marks.plural(len(night.trained), 'version')} trained"] if night.trained else []),
        *([f"{marks.plural(night.images, 'image')} drawn"] if night.images else []),
        *([f"{marks.plural(ended, 'campaign')} ended"] if ended else []),
    ]
    text = Text(f"Since {marks.when(night.since)}: ", "bold").append(", ".join(done) or "nothing was made", "bold")
    lasting = sum(one.counts for one in night.failed)
    text.append(
        f"; {marks.plural(lasting, 'thing')} failed" if lasting else "; nothing failed", "red" if lasting else ""
    )
    if night.seconds:
        text.append(f"; {hours(night.seconds)} {unit}{_money(night.seconds, price)}")
    needs = len(night.needs)
    text.append(
        f"; {marks.plural(needs, 'thing')} {'needs' if needs == 1 else 'need'} you" if needs else "; nothing needs you"
    )
    return text.append(".")


def data(night: Night, price: float | None) -> dict[str, Any]:
    """The night as JSON."""
    spent = {
        brand: {
            "trainingSeconds": round(one.training, 3),
            "drawingSeconds": round(one.drawing, 3),
            "lostSeconds": round(one.lost, 3),
        }
        for brand, one in sorted(night.spent.items())
    }
    return {
        "since": timestamp(night.since),
        "until": timestamp(night.until),
        "trained": [asdict(one) | {"at": timestamp(one.at)} for one in night.trained],
        "campaigns": [asdict(one) for one in night.drawn],
        "failed": [{_camel(name): value for name, value in asdict(one).items()} for one in night.failed],
        "needs": [asdict(one) for one in night.needs],
        "images": night.images,
        "imagesPerGpuHour": night.images_per_hour,
        "gpuHours": night.seconds / 3600,
        "lostGpuHours": night.lost / 3600,
        "attemptsOfUnknownCost": night.unknown,
        "gpuPrice": price,
        "cost": None if price is None else price * night.seconds / 3600,
        "costPerImage": None if price is None or not night.images_per_hour else price / night.images_per_hour,
        "spent": spent,
    }


def hours(seconds: float) -> str:
    """Seconds as hours as precisely as people need them."""
    amount = seconds / 3600
    return f"{amount:.1f}" if amount >= 10 else f"{amount:.2f}" if amount >= 1 else f"{amount:.3f}"


def _needs(night: Night, width: int) -> RenderableType | None:
    rows = [Row([Text(one.what)], Text(one.step, "dim")) for one in night.needs]
    return _listed(("NEEDS YOU",), rows, 0, "NEXT") if rows else None


def _done(night: Night, width: int) -> RenderableType | None:
    rows = [
        Row([cell(f"{one.brand} {one.version}", "bold"), marks.phase("trained"), cell(marks.when(one.at))],
            Text(f"loss {one.loss:.4f}, {marks.span(one.seconds)}", "dim"))
        for one in sorted(night.trained, key=lambda one: one.at)
    ]  # fmt: skip
    rows += [
        Row([cell(f"campaign/{one.name}", "bold"), marks.phase(one.phase), cell(marks.plural(one.images, "image"))],
            Text("; ".join(_counts(one.reused, one.failed, one.seconds)), "dim"))
        for one in night.drawn
    ]  # fmt: skip
    return _listed(("DONE", "", ""), rows, width, "HOW") if rows else None


def _counts(reused: int, failed: int, seconds: float) -> Iterator[str]:
    if seconds:
        yield f"{marks.span(seconds)} of drawing"
    if reused:
        yield f"{reused} more stood already"
    if failed:
        yield f"{failed} failed"


def _failed(night: Night, width: int) -> RenderableType | None:
    order = sorted(night.failed, key=lambda one: (not one.counts, -one.count))
    rows = [
        Row([cell(one.what, "bold"), Text(f"{one.count} x {one.reason}", "red" if one.counts else "")], _cause(one))
        for one in order
    ]
    return _listed(("FAILED", "WHY"), rows, width, "AND THEN") if rows else None


def _cause(one: Failed) -> Text:
    after = "It was tried again and made good." if one.made_good else one.step
    return Text(f"{one.message} {after}".strip(), "dim")


def _spent(night: Night, width: int, unit: str, price: float | None) -> RenderableType | None:
    if not night.seconds and not night.unknown:
        return None
    brands = sorted(
        ((brand, one) for brand, one in night.spent.items() if one.seconds), key=lambda pair: -pair[1].seconds
    )
    rows = [
        Row([cell(brand), Text(hours(one.training)), Text(hours(one.drawing)), Text(hours(one.lost), "red" if one.lost else "dim"),
             Text(hours(one.seconds) + _money(one.seconds, price))])
        for brand, one in brands
    ]  # fmt: skip
    if len(brands) > 1:
        training, drawing = sum(one.training for _, one in brands), sum(one.drawing for _, one in brands)
        cells = [
            hours(training),
            hours(drawing),
            hours(night.lost),
            hours(night.seconds) + _money(night.seconds, price),
        ]
        rows = [*rows[:MOST_LINES], Row([Text("in all", "bold"), *(Text(one, "bold") for one in cells)])]
    titles = (f"SPENT ({unit})", "TRAINING", "DRAWING", "LOST", "IN ALL")
    note = _rate(night, unit, price)
    table = aligned(titles, rows, width)
    from rich.console import Group

    return Group(table, Text(note, "dim")) if note else table


def _rate(night: Night, unit: str, price: float | None) -> str:
    rate = night.images_per_hour
    told = []
    if rate:
        cost = "" if price is None else f", {price / rate:.4f} an image"
        told.append(f"{rate:.0f} images an hour of drawing{cost}.")
    if night.unknown:
        told.append(f"What {marks.plural(night.unknown, 'failed attempt')} took is not known.")
    return " ".join(told)


def _listed(titles: tuple[str, ...], rows: list[Row], width: int, note: str) -> RenderableType:
    more = len(rows) - MOST_LINES
    shown = rows[:MOST_LINES]
    if more > 0:
        shown.append(
            Row([Text(f"and {more} more"), *(Text() for _ in titles[1:])], Text("`-o json` has them all", "dim"))
        )
    return aligned(titles, shown, width, note)


def _money(seconds: float, price: float | None) -> str:
    return "" if price is None else f" ({price * seconds / 3600:.2f})"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
