"""Whatever happens to a worker at whatever place of its work: every job ends in one whole record, with the same results."""

from __future__ import annotations

import pytest

from jobs import failpoints
from jobs.spec import JobKind
from tests.faults.scene import OFTEN, PLACES, Scene, is_whole, troubles

KILLS = [(kind, place) for kind, places in PLACES.items() for place in places]


def everywhere(kind: JobKind, action: str) -> str:
    """A plan that lets the same happen once at each place of a kind of job."""
    return ";".join(f"{place}={action}@1" for place in PLACES[kind])


def test_every_place_of_a_worker_is_struck() -> None:
    elsewhere = {name for name in failpoints.NAMES if name.startswith(("dispatcher.", "controller."))}
    assert {place for places in PLACES.values() for place in places} == failpoints.NAMES - elsewhere


def test_nothing_is_wrong_where_nothing_happened(undisturbed: Scene) -> None:
    assert undisturbed.violations() == []
    assert len(undisturbed.results()) == 1 + 3 + 9


@pytest.mark.parametrize(("kind", "place"), KILLS)
def test_a_worker_killed_at_a_place_is_followed_by_one_that_comes_to_the_same(
    scene: Scene, undisturbed: Scene, kind: JobKind, place: str
) -> None:
    starts = scene.until_done(f"{place}=kill@1", kind)
    assert [start.was_killed for start in starts] == [True, False]
    assert scene.violations(kind) == []
    assert scene.results(kind) == undisturbed.results(kind)


def test_workers_killed_at_every_place_one_after_another_come_to_the_same(scene: Scene, undisturbed: Scene) -> None:
    plan = ";".join(f"{place}=kill@2" for place in sorted(OFTEN))
    starts = scene.until_done(plan)
    assert scene.blows == set(plan.split(";"))
    assert [start.was_killed for start in starts] == [True] * len(OFTEN) + [False]
    assert scene.violations() == []
    assert scene.results(JobKind.INTAKE, JobKind.GENERATE) == undisturbed.results(JobKind.INTAKE, JobKind.GENERATE)


@pytest.mark.parametrize("kind", PLACES)
def test_a_store_that_is_away_at_every_place_in_turn_costs_no_attempt_and_no_result(
    scene: Scene, undisturbed: Scene, kind: JobKind
) -> None:
    plan = everywhere(kind, "store-away")
    (only,) = scene.until_done(plan, kind)
    assert is_whole(only)
    assert scene.blows == set(plan.split(";"))
    assert scene.violations(kind) == []
    assert scene.results(kind) == undisturbed.results(kind)


@pytest.mark.parametrize("kind", PLACES)
def test_what_nobody_foresaw_fails_the_attempt_and_a_later_one_comes_to_the_same(
    scene: Scene, undisturbed: Scene, kind: JobKind
) -> None:
    plan = everywhere(kind, "break")
    if (
        kind is JobKind.TRAIN
    ):  # breaking where its record stands already ends it; `train.after-record` is that moment too
        plan = plan.replace(";publish.after-create=break@1", "")
    starts = scene.until_done(plan, kind)
    assert [start.signal for start in starts] == [0] * len(starts)
    told = [trouble for start in starts for trouble in troubles(start)]
    assert all(trouble["retryable"] and "failpoint" in trouble["message"] for trouble in told)
    assert scene.blows == set(plan.split(";"))
    assert scene.violations(kind) == []
    assert scene.results(kind) == undisturbed.results(kind)
