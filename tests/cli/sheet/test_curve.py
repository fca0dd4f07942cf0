"""The loss curve: round ticks, a mean that does not lag, and never more points than can be seen."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.sheet import curve


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1.08, [0, 0.5, 1]), (0, 0.13, [0, 0.05, 0.1]), (1, 300, [50, 100, 150, 200, 250, 300]), (0, 47, [0, 20, 40])],
)
def test_ticks_are_round_numbers_within_the_range(low: float, high: float, expected: list[float]) -> None:
    about = 6 if low else 4
    assert curve.ticks(low, high, about) == pytest.approx(expected)


def test_a_straight_line_is_smoothed_to_itself() -> None:
    line = [(step, 3.0 - step / 100) for step in range(200)]
    assert [loss for _, loss in curve.smoothed(line)] == pytest.approx([loss for _, loss in line])


def test_noise_is_smoothed_away() -> None:
    noisy = [(step, 1.0 + (-1) ** step) for step in range(200)]
    middle = [loss for _, loss in curve.smoothed(noisy)][50:150]
    assert max(middle) - min(middle) < 0.2


@settings(deadline=None)
@given(st.lists(st.floats(0, 10), min_size=2, max_size=40))
def test_the_mean_stays_within_the_losses(losses: list[float]) -> None:
    course = [loss for _, loss in curve.smoothed(list(enumerate(losses)))]
    assert len(course) == len(losses)
    assert min(losses) - 1e-9 <= min(course)
    assert max(course) <= max(losses) + 1e-9


def test_a_long_curve_keeps_its_ends() -> None:
    points = [(float(step), 1.0) for step in range(5000)]
    thin = curve.thinned(points)
    assert (len(thin), thin[0], thin[-1]) == (curve.MOST_POINTS, points[0], points[-1])


def test_the_drawing_is_sound_and_stays_in_its_frame() -> None:
    drawn = ElementTree.fromstring(curve.drawn([(1, 9.0), (2, 0.5), (3, 0.25), (4, 0.2)], "Loss of <v1>"))
    assert drawn.findtext("title") == "Loss of <v1>"
    for line in drawn.iter("polyline"):
        places = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
        assert all(0 <= x <= curve.WIDTH and 0 <= y <= curve.HEIGHT for x, y in places)


@pytest.mark.parametrize("losses", [[], [(1, 0.5)]])
def test_too_few_losses_are_said(losses: list[tuple[float, float]]) -> None:
    assert "No loss curve was kept." in curve.drawn(losses, "Loss")


def test_losses_of_nothing_but_zero_are_drawn() -> None:
    assert "polyline" in curve.drawn([(1, 0.0), (2, 0.0)], "Loss")
