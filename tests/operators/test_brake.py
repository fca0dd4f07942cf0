"""Most brands that vanish at once are not withdrawn until a person says so or time passes; a few always are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from operators.brake import AT_ONCE_SECONDS, Brake
from operators.complaints import Complaint
from operators.places import Place
from operators.relist import Relist
from operators.rounds import Rounds
from tests import builders
from tests.operators.test_figures import value
from tests.operators.world import HandClock, World

HOUR = 3600.0


def farm(size: int, hold_seconds: float = HOUR) -> tuple[Brake, HandClock]:
    """A brake that knows so many brands."""
    clock = HandClock(0.0)
    brake = Brake(clock.monotonic, hold_seconds)
    for number in range(size):
        brake.met("BrandProject", f"uid-{number}")
    return brake, clock


def vanish(brake: Brake, count: int, first: int = 0) -> list[float]:
    """So many are missed in one listing; how long each has to wait."""
    uids = [f"uid-{number}" for number in range(first, first + count)]
    for uid in uids:
        brake.missed("BrandProject", uid)
    return [brake.seconds_until_withdrawal("BrandProject", uid) for uid in uids]


@pytest.mark.parametrize(("size", "gone", "wait"), [
    (9, 9, 0.0),
    (10, 10, 0.0),
    (11, 11, HOUR),
    (1000, 10, 0.0),
    (1000, 11, AT_ONCE_SECONDS),
    (1000, 500, AT_ONCE_SECONDS),
    (1000, 501, HOUR),
])  # fmt: skip
def test_who_waits_how_long(size: int, gone: int, wait: float) -> None:
    brake, _ = farm(size)
    assert vanish(brake, gone) == [wait] * gone
    assert brake.held() == (gone if wait else 0)


def test_a_crowd_that_goes_one_by_one_is_seen_before_more_than_a_few_are_withdrawn() -> None:
    brake, clock = farm(100)
    let_through = 0
    for number in range(100):
        clock.seconds += 0.3
        if not any(vanish(brake, 1, first=number)):
            brake.withdrawn("BrandProject", f"uid-{number}")
            let_through += 1
    clock.seconds += AT_ONCE_SECONDS
    assert let_through == 10
    assert brake.seconds_until_withdrawal("BrandProject", "uid-99") == HOUR - AT_ONCE_SECONDS


def test_a_studio_that_deletes_at_leisure_waits_for_nothing() -> None:
    brake, clock = farm(100)
    for number in range(100):
        assert vanish(brake, 1, first=number) == [0.0]
        brake.withdrawn("BrandProject", f"uid-{number}")
        clock.seconds += 10.0


def test_single_deletions_count_while_a_crowd_is_held() -> None:
    brake, clock = farm(100)
    vanish(brake, 60)
    clock.seconds += 10 * 60
    assert vanish(brake, 1, first=80) == [0.0]
    assert brake.held() == 60


def test_the_hold_ends_when_they_return_or_the_grace_is_over() -> None:
    brake, clock = farm(100)
    vanish(brake, 60)
    for number in range(50):
        brake.returned("BrandProject", f"uid-{number}")
    assert (brake.held(), vanish(brake, 10, first=50)) == (10, [0.0] * 10)
    brake, clock = farm(100)
    vanish(brake, 60)
    clock.seconds = HOUR
    assert vanish(brake, 60) == [0.0] * 60


def test_a_kind_is_judged_by_itself() -> None:
    brake, _ = farm(1000)
    for number in range(20):
        brake.met("Campaign", f"night-{number}")
        brake.missed("Campaign", f"night-{number}")
    assert brake.seconds_until_withdrawal("Campaign", "night-0") == HOUR


def test_no_grace_holds_nobody() -> None:
    brake, _ = farm(100, hold_seconds=0.0)
    assert vanish(brake, 100) == [0.0] * 100


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    rounds = made.rounds
    made.rounds = Rounds(made.documents, rounds.observer, rounds._actor, made.clock, hold_seconds=HOUR)
    yield made
    made.close()


async def relisted(world: World) -> None:
    """One relist, and a round over all that it found."""
    found = await Relist(world.documents, world.rounds, 1.0).look_round()
    for place in sorted(found.changed | found.routine, key=str):
        await world.rounds.look(place)


@pytest.mark.anyio
async def test_work_goes_on_while_most_brands_are_gone_and_ends_once_the_grace_is_over(world: World) -> None:
    for number in range(12):
        await world.documents.create(builders.project(f"brand-{number}"))
    await world.settle()
    for number in range(11):
        await world.documents.delete("BrandProject", "default", f"brand-{number}")
    with capture_logs() as lines:
        await relisted(world)
        await relisted(world)
    held = [line for line in lines if line["event"].startswith("many manifests are gone")]
    assert [(line["log_level"], line["gone"]) for line in held] == [("warning", 11)]
    assert all(world.dispatcher.wanted[f"uid-{number}"] for number in range(1, 13))
    assert value(world.rounds.figures.text(0), "brandfarm_controller_withdrawals_held") == 11
    assert world.rounds.seconds_until_next(Place("BrandProject", "default", "brand-3")) == HOUR
    world.clock.seconds += HOUR
    with capture_logs() as lines:
        await relisted(world)
    assert [line["seconds"] for line in lines if line["event"] == "no withdrawal is held any more"] == [HOUR]
    assert [bool(world.dispatcher.wanted[f"uid-{number}"]) for number in range(1, 13)] == [False] * 11 + [True]
    assert value(world.rounds.figures.text(0), "brandfarm_controller_withdrawals_held") == 0
    assert world.rounds.places() == [Place("BrandProject", "default", "brand-11")]


def test_a_complaint_is_said_when_it_begins_now_and_then_and_when_it_is_over() -> None:
    clock = HandClock(0.0)
    complaint = Complaint(clock.monotonic, every_seconds=30.0)
    assert complaint.over() is None
    said = []
    for half_seconds in range(200):
        clock.seconds = half_seconds / 2
        if complaint.is_due():
            said.append(clock.seconds)
    assert said == [0.0, 30.0, 60.0, 90.0]
    assert (complaint.over(), complaint.over()) == (99.5, None)
    assert complaint.is_due()
