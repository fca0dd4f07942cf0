"""The engine over real workers in this process and a real store: faults are played by a fleet and a store that fail on order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cluster import ledger
from cluster.book import LEASE_SECONDS
from cluster.engine import Engine, Pace
from cluster.folder_store import FolderStore
from cluster.instructions import Look, RecordFailure, RecordRetry
from cluster.local_fleet import LocalFleet
from cluster.ports import EventBatch, EventKind, Hello, WantedSet, WorkEvent
from cluster.worker import Worker
from jobs import keys, publish
from jobs.errors import NotFound, StaleEpoch, StoreUnavailable, WorkerDied, WorkerLost
from jobs.spec import Job
from tests.cluster.dispatching import TRYING_AGAIN_HELPS, TRYING_AGAIN_IS_VAIN, chunk, training, wanted
from tests.fakes.workbench import FakeWorkbench

QUICK = Pace(poll=0.05, breath=0.0, fleet=0.005, tick=0.005, away=0.005, charge=0.02, late=float("inf"))
PATIENCE_SECONDS = 30.0
SOCK, MUG, PICTURES = training(1, base="fake"), training(2, base="fake", project="studio/mugs"), chunk(1, base="fake")


class HandClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return 1_800_000_000.0 + self.seconds


class CuttableFleet(LocalFleet):
    """Workers that can be cut off: they work on, and no call reaches them. `begun` remembers every order to begin."""

    def __init__(self, workers: list[Worker]) -> None:
        super().__init__(workers)
        self.cut_off: set[str] = set()
        self.died: set[str] = set()
        self.begun: list[tuple[str, str, int]] = []

    async def hello(self, worker: str, epoch: int) -> Hello:
        self._require_reachable(worker)
        return await super().hello(worker, epoch)

    async def begin(self, worker: str, epoch: int, job: Job, attempt: int) -> None:
        self._require_reachable(worker)
        self.begun.append((worker, job.id, attempt))
        await super().begin(worker, epoch, job, attempt)

    async def events(self, worker: str, epoch: int, after: int, wait_seconds: float) -> EventBatch:
        self._require_reachable(worker)
        batch = await super().events(worker, epoch, after, wait_seconds)
        self._require_reachable(worker)
        return batch

    async def stop(self, worker: str, epoch: int, job: str, at_checkpoint: bool) -> None:
        self._require_reachable(worker)
        await super().stop(worker, epoch, job, at_checkpoint)

    def _require_reachable(self, worker: str) -> None:
        if worker in self.died:
            raise WorkerDied(f"Worker {worker} is dead.")
        if worker in self.cut_off:
            raise WorkerLost(f"Worker {worker} is cut off.")


class MoodyStore(FolderStore):
    """A store that can be away."""

    is_away = False
    refusals = 0

    def exists(self, key: str) -> bool:
        self._require_mood()
        return super().exists(key)

    def create(self, key: str, data: bytes) -> bool:
        self._require_mood()
        return super().create(key, data)

    def list(self, prefix: str) -> Iterator[str]:
        self._require_mood()
        return super().list(prefix)

    def _require_mood(self) -> None:
        if self.is_away:
            self.refusals += 1
            raise StoreUnavailable("The store is away.")


class FailingBench(FakeWorkbench):
    """A bench on which every training fails for good, and every chunk is said to be finished without a record."""

    def turn(self) -> list[WorkEvent]:
        ended = [self._held.pop(job) for job in list(self._held)]
        return [
            WorkEvent(job=one.job.id, attempt=one.attempt, kind=EventKind.FAILED, trouble=TRYING_AGAIN_IS_VAIN)
            if one.job.id == SOCK.id
            else WorkEvent(job=one.job.id, attempt=one.attempt, kind=EventKind.FINISHED)
            for one in ended
        ]


class Farm:
    """A store, workers and a clock, on which dispatchers come and go."""

    def __init__(self, root: Path, *names: str, steps: int = 5, bench: type[FakeWorkbench] = FakeWorkbench) -> None:
        self.store = MoodyStore(root)
        self.bench_store = FolderStore(root)
        self.clock = HandClock()
        self.workers = {name: Worker(name, lambda: bench(self.bench_store, steps)) for name in names}
        self.fleet = CuttableFleet(list(self.workers.values()))

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[Engine]:
        """A dispatcher in charge; at the end it is killed, and an error of its own is told."""
        engine = Engine(self.fleet, self.store, self.clock, QUICK)
        running = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def until(self, holds: Callable[[], object], *, working: bool = True) -> None:
        """Turn the workers until something holds."""
        given_up = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < given_up, "it never came to hold"
            if working:
                self.fleet.turn()
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small files are written here, and power cuts are not what is tested."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(tmp_path, "w1", "w2")


def played(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 2 * PATIENCE_SECONDS))


def states(engine: Engine, owner: str = "owner") -> dict[str, str]:
    return {job: report.state for job, report in engine.report(owner).states.items()}


def all_done(engine: Engine) -> Callable[[], bool]:
    return lambda: set(states(engine).values()) == {"done"}


async def in_charge(farm: Farm, engine: Engine) -> None:
    await farm.until(lambda: engine.is_ready, working=False)


def test_what_is_wanted_is_done_and_its_records_stand(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            report = engine.want("owner", wanted(SOCK, MUG, PICTURES))
            assert report.epoch == engine.epoch == 1
            assert {one.state for one in report.states.values()} == {"waiting"}
            await farm.until(all_done(engine))
            summary = engine.summary()
            assert (summary.done, [one.name for one in summary.workers]) == (3, ["w1", "w2"])

    played(scene())
    assert all(farm.store.exists(job.record_key) for job in (SOCK, MUG, PICTURES))


def test_what_stands_in_the_store_is_never_begun(farm: Farm) -> None:
    publish.record(farm.store, SOCK.record_key, {"asked": SOCK.id})

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(all_done(engine))

    played(scene())
    assert farm.fleet.begun == []


def test_when_a_worker_is_gone_another_goes_on_and_the_loss_is_written_down(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 2)
            farm.fleet.lose(engine.job(SOCK.id).worker)
            await farm.until(all_done(engine))
            await farm.until(lambda: farm.store.exists(keys.failure(SOCK.id, 1)))

    played(scene())
    first, second = farm.fleet.begun
    assert first[0] != second[0]
    assert (first[2], second[2]) == (1, 2)
    failure = publish.read(farm.store, keys.failure(SOCK.id, 1))
    assert failure is not None
    assert failure["reason"] == "WorkerLost"


def test_a_worker_cut_off_for_thirty_seconds_is_replaced_and_stopped_when_it_is_back(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=10_000)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            first = engine.job(SOCK.id).worker
            farm.fleet.cut_off.add(first)
            farm.clock.seconds += LEASE_SECONDS - 1
            await asyncio.sleep(0.05)
            assert engine.job(SOCK.id).worker == first
            farm.clock.seconds += 1
            await farm.until(lambda: engine.job(SOCK.id).worker not in ("", first))
            farm.fleet.cut_off.clear()
            await farm.until(lambda: not farm.workers[first].hello(1).held)
            assert engine.job(SOCK.id).state == "leased"

    played(scene())


def test_the_jobs_of_a_worker_that_is_known_to_be_dead_go_to_another_before_any_lease_runs_out(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=10_000)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            first = engine.job(SOCK.id).worker
            farm.fleet.died.add(first)
            await farm.until(lambda: engine.job(SOCK.id).worker not in ("", first))
            farm.fleet.died.clear()
            await farm.until(lambda: len(engine.summary().workers) == 2)

    played(scene())
    assert farm.clock.seconds == 0


def test_a_new_process_under_an_old_name_is_met_anew(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1")

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            farm.fleet._workers["w1"] = Worker("w1", lambda: FakeWorkbench(farm.bench_store, 5))
            await farm.until(all_done(engine))

    played(scene())
    assert [attempt for _, _, attempt in farm.fleet.begun] == [1, 2]


def test_a_store_that_is_away_delays_everything_and_loses_nothing(farm: Farm) -> None:
    async def scene() -> None:
        farm.store.is_away = True
        async with farm.dispatching() as engine:
            await asyncio.sleep(0.03)
            assert engine.epoch == 0
            farm.store.is_away = False
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            farm.store.is_away = True
            await farm.until(lambda: "the store is being asked" in engine.why(SOCK.id))
            farm.clock.seconds += 10 * LEASE_SECONDS
            engine.want("other", wanted(MUG))
            await asyncio.sleep(0.05)
            assert engine.why(MUG.id) == "The store is being asked whether it is done already."
            assert states(engine) == {SOCK.id: "leased"}
            farm.store.is_away = False
            await farm.until(lambda: {**states(engine), **states(engine, "other")} == {SOCK.id: "done", MUG.id: "done"})

    played(scene())
    assert sorted(job for _, job, _ in farm.fleet.begun) == sorted([SOCK.id, MUG.id])


def test_a_killed_dispatcher_is_replaced_while_the_workers_work_on(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", "w2", steps=60)

    async def scene() -> None:
        async with farm.dispatching() as first:
            await in_charge(farm, first)
            first.want("owner", wanted(SOCK, PICTURES))
            farm.fleet.turn()  # the benches are opened
            await farm.until(lambda: set(states(first).values()) == {"leased"}, working=False)
            await farm.until(lambda: first.job(SOCK.id).done >= 1 and first.job(PICTURES.id).done >= 1)
        for _ in range(20):
            farm.fleet.turn()  # nobody is in charge, and the work goes on
        async with farm.dispatching() as second:
            await in_charge(farm, second)
            assert second.epoch == 2
            with pytest.raises(NotFound):
                second.report("owner")
            second.want("owner", wanted(SOCK, PICTURES))
            await farm.until(lambda: second.job(SOCK.id).done > 20)
            await farm.until(all_done(second))

    played(scene())
    assert [attempt for _, _, attempt in farm.fleet.begun] == [1, 1]


def test_the_end_of_work_that_came_while_nobody_was_in_charge_is_not_missed(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as first:
            await in_charge(farm, first)
            first.want("owner", wanted(SOCK))
            await farm.until(lambda: first.job(SOCK.id).done >= 1)
        for _ in range(20):
            farm.fleet.turn()
        async with farm.dispatching() as second:
            await in_charge(farm, second)
            second.want("owner", wanted(SOCK))
            await farm.until(all_done(second), working=False)

    played(scene())
    assert len(farm.fleet.begun) == 1


@pytest.mark.parametrize("by", ["store", "worker"])
def test_a_dispatcher_that_is_not_in_charge_any_more_ends(farm: Farm, by: str) -> None:
    async def scene() -> None:
        engine = Engine(farm.fleet, farm.store, farm.clock, QUICK)
        running = asyncio.create_task(engine.run())
        await in_charge(farm, engine)
        if by == "store":
            assert ledger.take_charge(farm.store, b"another") == 2
        else:
            farm.workers["w1"].hello(7)
        await running

    with pytest.raises(StaleEpoch):
        played(scene())


def test_failures_are_recorded_and_a_retry_grants_new_attempts(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", bench=FailingBench)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK, PICTURES))
            await farm.until(lambda: engine.job(SOCK.id).state == "failed")
            await farm.until(lambda: engine.job(PICTURES.id).trouble is not None)
            told = engine.job(PICTURES.id).trouble
            assert told is not None
            assert told.reason == "RecordMissing"
            await farm.until(lambda: farm.store.exists(keys.failure(SOCK.id, 1)))
        async with farm.dispatching() as second:
            await in_charge(farm, second)
            second.want("owner", wanted(SOCK))
            await farm.until(lambda: second.job(SOCK.id).state == "failed")
            assert second.job(SOCK.id).trouble == TRYING_AGAIN_IS_VAIN
            assert second.retry(SOCK.id).state == "waiting"
            await farm.until(lambda: farm.store.exists(keys.failure(SOCK.id, 2)))
            assert farm.store.exists(keys.retry(SOCK.id, 1))

    played(scene())


def test_what_is_withdrawn_is_let_go_of(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", steps=10_000)

    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            assert engine.want("owner", WantedSet()).states == {}
            await farm.until(lambda: not farm.workers["w1"].hello(1).held)

    played(scene())


def test_whoever_waits_is_woken_by_a_change_and_not_by_asking(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            now = await engine.wait_for_change(0, 1.0)
            engine.want("owner", wanted(SOCK))
            engine.want("owner", wanted(SOCK))
            waiting = asyncio.create_task(engine.wait_for_change(now.number, 10.0))
            await farm.until(all_done(engine))
            assert (await waiting).number > now.number
            last = await engine.wait_for_change(0, 1.0)
            engine.want("owner", wanted(SOCK))
            assert (await engine.wait_for_change(last.number, 0.02)) == last

    played(scene())


def test_a_dispatcher_that_was_held_up_blames_no_worker(tmp_path: Path) -> None:
    farm = Farm(tmp_path, "w1", steps=10_000)

    async def scene() -> None:
        engine = Engine(farm.fleet, farm.store, farm.clock, Pace(poll=0.05, fleet=0.005, tick=0.005, late=5.0))
        running = asyncio.create_task(engine.run())
        await in_charge(farm, engine)
        engine.want("owner", wanted(SOCK))
        await farm.until(lambda: engine.job(SOCK.id).done >= 1)
        farm.clock.seconds += 1000
        await asyncio.sleep(0.05)
        assert (engine.job(SOCK.id).state, engine.job(SOCK.id).attempt) == ("leased", 1)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    played(scene())


# What the store is asked and told.


def test_epochs_are_taken_by_one_dispatcher_each(farm: Farm) -> None:
    assert [ledger.take_charge(farm.store, claim) for claim in (b"a", b"b", b"c")] == [1, 2, 3]
    assert ledger.is_deposed(farm.store, 2)
    assert not ledger.is_deposed(farm.store, 3)


def test_a_look_counts_the_failures_since_the_last_retry_lost_workers_aside(farm: Farm) -> None:
    lost = TRYING_AGAIN_HELPS.model_copy(update={"reason": "WorkerLost"})
    told = {1: TRYING_AGAIN_IS_VAIN, 2: lost, 3: TRYING_AGAIN_HELPS}
    for attempt, trouble in told.items():
        ledger.record_failure(farm.store, RecordFailure(SOCK.id, attempt, trouble))
    found = ledger.look(farm.store, Look(SOCK))
    assert (found.record, found.attempt, found.strikes, found.trouble) == (False, 3, 2, TRYING_AGAIN_HELPS)

    ledger.record_retry(farm.store, RecordRetry(SOCK.id, 3))
    found = ledger.look(farm.store, Look(SOCK))
    assert (found.attempt, found.strikes, found.trouble) == (3, 0, None)


def test_a_look_knows_attempts_by_the_checkpoints_they_left(farm: Farm) -> None:
    farm.store.create(keys.checkpoint(SOCK.id, 50, 4), b"{}")
    assert ledger.look(farm.store, Look(SOCK)).attempt == 4


def test_the_first_failure_written_stands_and_an_unreadable_one_counts_as_none(farm: Farm) -> None:
    ledger.record_failure(farm.store, RecordFailure(SOCK.id, 1, TRYING_AGAIN_IS_VAIN))
    ledger.record_failure(farm.store, RecordFailure(SOCK.id, 1, TRYING_AGAIN_HELPS))
    farm.store.create(keys.failure(SOCK.id, 2), b"not a record")
    found = ledger.look(farm.store, Look(SOCK))
    assert (found.strikes, found.trouble, found.attempt) == (1, TRYING_AGAIN_IS_VAIN, 2)
