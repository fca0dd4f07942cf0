"""A loss curve as inline SVG: axes, ticks, the losses faintly and their smoothed course over them. Numbers in, markup out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from cli.sheet.markup import Html, joined, tag

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 16, 40
MOST_POINTS = 600
SHARE = 12
"""A smoothed point is the mean of one part in so many of the curve."""

Points = Sequence[tuple[float, float]]


def drawn(losses: Points, label: str) -> Html:
    """The curve of (step, loss) pairs; a sentence instead where there are fewer than two."""
    if len(losses) < 2:
        return tag("p", "No loss curve was kept.", class_="quiet")
    frame = _Frame(losses)
    return tag(
        "svg",
        tag("title", label),
        joined(frame.grid()),
        _line(frame.placed(thinned(losses)), "1", "0.35"),
        _line(frame.placed(thinned(smoothed(losses))), "2.5", "1"),
        _words("step", WIDTH - RIGHT, HEIGHT - 6, "end"),
        _words("loss", 4, TOP - 3, "start"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        class_="curve",
    )


def smoothed(losses: Points) -> list[tuple[float, float]]:
    """The mean of the losses around each step, over a twelfth of the curve; nearer the ends over less, so that it never lags."""
    sums = list(itertools.accumulate((loss for _, loss in losses), initial=0.0))
    most = max(2, len(losses) // (2 * SHARE))
    course = []
    for index, (step, _) in enumerate(losses):
        half = min(most, index, len(losses) - 1 - index)
        course.append((step, (sums[index + half + 1] - sums[index - half]) / (2 * half + 1)))
    return course


def thinned(points: Points, most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """At most so many points, evenly apart, the last one among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, roughly so many: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


class _Frame:
    """Where a step and a loss stand on the drawing."""

    def __init__(self, losses: Points) -> None:
        steps = [step for step, _ in losses]
        self.first, self.last = min(steps), max(max(steps), min(steps) + 1)
        ordered = sorted(loss for _, loss in losses)
        high = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]  # one spike must not flatten the rest
        self.high = high * 1.08 if high > 0 else 1.0

    def x(self, step: float) -> float:
        return LEFT + (step - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, loss: float) -> float:
        return TOP + (1 - min(max(loss / self.high, 0.0), 1.0)) * (HEIGHT - TOP - BOTTOM)

    def placed(self, points: Points) -> str:
        return " ".join(f"{self.x(step):.1f},{self.y(loss):.1f}" for step, loss in points)

    def grid(self) -> Iterator[Html]:
        for loss in ticks(0, self.high, 4):
            yield _rule(LEFT, self.y(loss), WIDTH - RIGHT, self.y(loss))
            yield _words(f"{loss:g}", LEFT - 8, self.y(loss) + 4, "end")
        for step in ticks(self.first, self.last, 6):
            yield _rule(self.x(step), HEIGHT - BOTTOM, self.x(step), HEIGHT - BOTTOM + 5)
            yield _words(f"{step:g}", self.x(step), HEIGHT - BOTTOM + 18, "middle")


def _line(points: str, width: str, opacity: str) -> Html:
    return tag(
        "polyline",
        points=points,
        fill="none",
        stroke="currentColor",
        stroke_width=width,
        stroke_opacity=opacity,
        stroke_linejoin="round",
    )


def _rule(x1: float, y1: float, x2: float, y2: float) -> Html:
    place = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    return tag("line", stroke="currentColor", stroke_opacity="0.18", **place)


def _words(text: str, x: float, y: float, anchor: str) -> Html:
    return tag("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, fill="currentColor")
