"""A farm that grows and shrinks, and its node that is to go: the engine over real workers, a real store and a clock turned by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.engine import Engine
from cluster.ports import WantedSet
from cluster.wishes import Group, Patience, Wishes
from jobs.errors import HeadLost
from jobs.spec import Job
from tests.cluster.dispatching import chunk, training, wanted
from tests.cluster.test_engine import QUICK, Farm, all_done, in_charge, states
from tests.fakes.workbench import made

GROUPS = {"cpu": Group(max=3)}
PATIENCE = Patience(clear=600.0, keep=300.0, idle=60.0)
PACE = replace(QUICK, late=5.0)  # the clock is turned by more than a lease is long, and no worker is to blame for that
SOCK, MUG = training(1, base="fake"), training(2, base="fake")


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


@asynccontextmanager
async def resizing(farm: Farm) -> AsyncIterator[Engine]:
    """A dispatcher that may ask for workers, and give them back."""
    engine = Engine(farm.fleet, farm.store, farm.clock, PACE, Wishes(GROUPS, PATIENCE))
    running = asyncio.create_task(engine.run())
    try:
        await in_charge(farm, engine)
        yield engine
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def names(engine: Engine) -> list[str]:
    return [one.name for one in engine.summary().workers]


def test_a_farm_without_workers_asks_for_one_when_something_waits(tmp_path: Path) -> None:
    farm = Farm(tmp_path)

    async def scene() -> None:
        async with resizing(farm) as engine:
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: any(farm.fleet.wished))  # it may have wished for none before it was told
            assert b'brandfarm_dispatcher_workers_wished{gpu_class="cpu"} 1.0' in engine.metrics()
            assert b'brandfarm_dispatcher_workers_there{gpu_class="cpu"} 0.0' in engine.metrics()

    asyncio.run(scene())
    assert [one for one in farm.fleet.wished if one] == [{"cpu": 1}]


def test_workers_without_work_are_given_back_once_they_were_idle_long_and_the_one_at_work_stays(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", "w3", steps=10_000)

    async def scene() -> None:
        async with resizing(farm) as engine:
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: len(names(engine)) == 3 and states(engine)[SOCK.id] == "leased")
            busy = engine.report("owner").states[SOCK.id].worker
            for _ in range(12):
                farm.clock.seconds += 20.0
                await farm.until(lambda: all(one.alive for one in engine.summary().workers))
                await asyncio.sleep(0.05)
            assert len(names(engine)) == 3
            farm.clock.seconds += 20.0 * 10
            await farm.until(lambda: names(engine) == [busy])
            assert engine.report("owner").states[SOCK.id].attempt == 1

    asyncio.run(scene())
    assert set(map(bool, farm.fleet.wished)) == {False}  # none was ever missing


def test_a_worker_that_leaves_hands_its_work_to_another_at_the_step_where_it_was_and_no_attempt_is_charged(
    tmp_path: Path,
) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=200)

    async def scene() -> None:
        async with resizing(farm) as engine:
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.report("owner").states[SOCK.id].done >= 3)
            first = engine.report("owner").states[SOCK.id].worker
            farm.workers[first].leave()
            await farm.until(lambda: engine.report("owner").states[SOCK.id].attempt == 2)
            await farm.until(lambda: farm.workers[first].leave().untold == 0)
            assert engine.report("owner").states[SOCK.id].worker != first
            entry = engine._dispatcher.entry(SOCK.id)
            assert (entry.strikes, entry.losses) == (0, 0)
            engine.want("second", wanted(MUG))
            await farm.until(all_done(engine))
            await farm.until(lambda: engine.report("second").states[MUG.id].state == "done")
            assert engine.report("second").states[MUG.id].worker in ("", "w1", "w2")

    asyncio.run(scene())
    attempts = [by for _, by in sorted(made(farm.bench_store, SOCK.id).items())]
    assert attempts == [[1]] * attempts.count([1]) + [[2]] * attempts.count([2])  # no step was done twice
    assert attempts.count([2]) > 0
    assert not list(farm.bench_store.list(f"fail/{SOCK.id}"))


def test_a_dispatcher_whose_head_is_gone_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    farm = Farm(tmp_path, "w1")

    async def gone() -> list[str]:
        raise HeadLost("The head is gone.")

    async def scene() -> None:
        async with resizing(farm):
            monkeypatch.setattr(farm.fleet, "workers", gone)
            await asyncio.sleep(0.2)

    with pytest.raises(HeadLost):
        asyncio.run(scene())


def test_ten_thousand_jobs_handed_over_again_are_the_same_and_cost_little(tmp_path: Path) -> None:
    farm = Farm(tmp_path)
    jobs: tuple[Job, ...] = tuple(chunk(number) for number in range(10_000))
    body = WantedSet(generation=1, jobs=jobs).model_dump_json()

    async def scene() -> None:
        async with resizing(farm) as engine:
            first = engine.want("owner", WantedSet.model_validate_json(body))
            spent = []
            for _ in range(3):
                before = time.thread_time()
                again = engine.want("owner", WantedSet.model_validate_json(body))
                spent.append(time.thread_time() - before)
            assert again == first
            assert len(again.states) == len(engine._dispatcher.book.jobs) == 10_000
            assert min(spent) < 3.0, f"{spent} s of CPU"

    asyncio.run(scene())
