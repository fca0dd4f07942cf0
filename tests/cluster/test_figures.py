"""What the dispatcher tells Prometheus, read as a scraper reads it: over the real engine, with workers that are lost on order."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from cluster.book import LEASE_SECONDS
from cluster.engine import Engine
from cluster.figures import REASONS, UNFORESEEN, DispatcherFigures, LostBy
from cluster.instructions import RecordFailure
from cluster.ports import Trouble
from cluster.worker_figures import HELP, WorkerFigures
from jobs.figures import Figure
from tests.cluster.dispatching import chunk, training, wanted
from tests.cluster.test_engine import MUG, PICTURES, SOCK, FailingBench, Farm, all_done, in_charge, played

D, W = "brandfarm_dispatcher_", "brandfarm_worker_"


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


def scraped(engine: Engine) -> dict[str, Metric]:
    """What a scraper makes of the text, by family."""
    return {family.name: family for family in text_string_to_metric_families(engine.metrics().decode())}


def value(engine: Engine, name: str, **labels: str) -> float:
    """One sample; 0 where there is none."""
    samples = [sample for family in scraped(engine).values() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())


def workers_told(engine: Engine) -> set[str]:
    return {sample.labels["worker"] for sample in scraped(engine)[f"{W}rows_free"].samples}


def test_work_that_is_done_moves_the_figures_of_dispatcher_and_workers(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=5)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK, MUG, PICTURES))
            assert value(engine, f"{D}jobs", state="waiting") == 3
            farm.clock.seconds += 7
            assert value(engine, f"{D}oldest_wait_seconds", kind="generate") == 7
            farm.fleet.turn()  # the benches are opened
            await farm.until(lambda: value(engine, f"{D}leases") == 3, working=False)
            await farm.until(all_done(engine))
            await farm.until(lambda: value(engine, f"{W}images_total") == 5)
            assert value(engine, f"{D}epoch") == 1
            assert value(engine, f"{D}workers", state="answering") == 2
            assert value(engine, f"{D}dispatches_total", kind="train") == 2
            assert value(engine, f"{D}dispatches_total", kind="generate") == 1
            assert value(engine, f"{D}wait_seconds_count") == 3
            assert value(engine, f"{D}wait_seconds_sum") == pytest.approx(21, abs=1)
            assert value(engine, f"{D}cycle_seconds_count") >= 1
            assert value(engine, f"{D}loop_late_seconds_count") >= 1
            assert value(engine, f"{D}jobs", state="done") == 3
            assert value(engine, f"{D}jobs", state="waiting") == value(engine, f"{D}leases") == 0
            assert value(engine, f"{D}oldest_wait_seconds") == 0
            assert value(engine, f"{W}steps_total") == 10
            assert value(engine, f"{W}store_seconds_total") > 0
            assert value(engine, f"{W}busy_seconds_total") > 0
            await farm.until(lambda: workers_told(engine) == {"w1", "w2"})

    played(scene())


def test_a_lost_worker_is_counted_with_the_time_it_took_and_its_series_go(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=10_000)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1 and len(workers_told(engine)) == 2)
            farm.clock.seconds += 12
            lost = engine.job(SOCK.id).worker
            farm.fleet.lose(lost)
            await farm.until(lambda: value(engine, f"{D}attempts_lost_total", why="gone") == 1)
            assert value(engine, f"{D}lost_worker_seconds_total", why="lost") == 12
            assert workers_told(engine) == {"w1", "w2"} - {lost}

    played(scene())


def test_a_silent_workers_attempt_that_finishes_after_all_is_a_duplicate(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=5)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            first = engine.job(SOCK.id).worker
            farm.fleet.cut_off.add(first)
            await farm.until(lambda: value(engine, f"{D}workers", state="silent") == 1, working=False)
            farm.clock.seconds += LEASE_SECONDS
            await farm.until(lambda: engine.job(SOCK.id).worker not in ("", first), working=False)
            assert value(engine, f"{D}attempts_lost_total", why="silent") == 1
            while farm.workers[first].turn():
                """It works on, and nobody hears it."""
            farm.fleet.cut_off.clear()
            await farm.until(lambda: value(engine, f"{D}duplicates_total") == 1, working=False)
            await farm.until(all_done(engine))
            assert value(engine, f"{D}duplicates_total") == 1

    played(scene())


def test_failures_are_counted_by_reason(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", bench=FailingBench)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK, PICTURES))
            await farm.until(lambda: value(engine, f"{D}attempts_failed_total", reason="Diverged") == 1)
            await farm.until(lambda: value(engine, f"{D}attempts_failed_total", reason="RecordMissing") >= 1)

    played(scene())


def test_a_reason_that_is_no_word_of_ours_makes_no_series() -> None:
    figures = DispatcherFigures()
    for reason in ("KeyError", "/home/somebody", "OutOfMemory", "Cancelled"):
        trouble = Trouble(reason=reason, message="")
        figures.failed(RecordFailure("job", 1, trouble, seconds=2.0), LostBy.GONE)
    told = {
        sample.labels["reason"]: sample.value
        for family in figures.registry.collect()
        for sample in family.samples
        if sample.name == f"{D}attempts_failed_total"
    }
    assert told == {UNFORESEEN: 2, "OutOfMemory": 1, "Cancelled": 1}
    assert {"StoreUnavailable", "BaseUnknown", "RecordMissing"} <= REASONS


def test_a_store_that_is_away_is_told_even_before_there_is_a_charge(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1")

    async def scene() -> None:
        farm.store.is_away = True
        async with farm.dispatching() as engine:
            await farm.until(lambda: farm.store.refusals >= 2, working=False)  # the first has been told of
            farm.clock.seconds += 40
            assert (value(engine, f"{D}store_away_seconds"), value(engine, f"{D}epoch")) == (40, 0)
            farm.store.is_away = False
            await in_charge(farm, engine)
            assert (value(engine, f"{D}store_away_seconds"), value(engine, f"{D}epoch")) == (0, 1)

    played(scene())


def test_a_loop_that_was_held_up_says_for_how_long(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1")

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            farm.clock.seconds += 30
            await farm.until(lambda: value(engine, f"{D}loop_late_seconds_sum") >= 29, working=False)

    played(scene())


def test_a_thousand_jobs_make_no_more_series_than_one(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1")

    async def scene() -> None:
        engine = Engine(farm.fleet, farm.store, farm.clock)
        engine.want("owner", wanted(training(1)))
        few = engine.metrics().count(b"\n")
        projects = [training(number, project=f"studio/brand-{number}") for number in range(2, 500)]
        engine.want("owner", wanted(*projects, *(chunk(number) for number in range(500)), generation=2))
        told = engine.metrics()
        assert told.count(b"\n") == few
        assert b"studio/" not in told

    played(scene())


# Workers' figures over their lives.


def totals(figures: WorkerFigures, figure: Figure) -> dict[str, float]:
    families = {family.name: family for family in figures.collect()}
    name = (W + figure.value).removesuffix("_total")
    return {sample.labels["worker"]: sample.value for sample in families[name].samples}


def test_a_new_process_under_an_old_name_counts_on_where_the_last_one_ended() -> None:
    figures = WorkerFigures()
    for incarnation, steps in (("first", 10.0), ("first", 30.0), ("second", 4.0), ("second", 9.0)):
        figures.told("w1", incarnation, {"steps_total": steps, "rows_free": 3.0})
    assert totals(figures, Figure.STEPS) == {"w1": 39}
    assert totals(figures, Figure.ROWS_FREE) == {"w1": 3}


def test_a_bench_built_anew_in_the_same_process_never_counts_backwards() -> None:
    figures = WorkerFigures()
    for steps in (10.0, 2.0, 3.0):
        figures.told("w1", "first", {"steps_total": steps})
    assert totals(figures, Figure.STEPS) == {"w1": 13}


def test_a_faster_new_process_is_not_taken_for_the_old_one() -> None:
    figures = WorkerFigures()
    figures.told("w1", "first", {"steps_total": 10.0})
    figures.told("w1", "second", {"steps_total": 50.0})
    assert totals(figures, Figure.STEPS) == {"w1": 60}


def test_figures_of_another_release_are_let_be_and_every_one_of_ours_is_explained() -> None:
    figures = WorkerFigures()
    figures.told("w1", "first", {"moons_total": 1.0})
    assert not [sample for family in figures.collect() for sample in family.samples]
    assert set(HELP) == set(Figure)


def test_how_long_a_job_waited_is_told_once_at_its_first_attempt(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=10_000)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            farm.fleet.lose(engine.job(SOCK.id).worker)
            await farm.until(lambda: value(engine, f"{D}dispatches_total", kind="train") == 2)
            assert value(engine, f"{D}wait_seconds_count", kind="train") == 1

    played(scene())
