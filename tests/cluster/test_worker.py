"""The worker obeys the newest epoch, does bounded turns, numbers what it tells, and hands back what it cannot do."""

from __future__ import annotations

import asyncio

import pytest

from cluster.folder_store import FolderStore
from cluster.ports import EventKind
from cluster.worker import Worker
from jobs import publish
from jobs.errors import StaleEpoch, StoreUnavailable
from jobs.spec import GenerateAsk, Job, TrainAsk, TrainRecipe
from tests.fakes.workbench import ROWS, FakeWorkbench


def chunk(start: int = 0) -> Job:
    return Job(ask=GenerateAsk(plan="p", start=start, stop=start + 4))


def training(seed: int = 1) -> Job:
    return Job(ask=TrainAsk(dataset="d", base="b", trigger="t", recipe=TrainRecipe(seed=seed)))


def ended(worker, after=0):
    """The first event above a number that is no progress; a long poll also answers when only the room has changed."""
    for _ in range(20):
        for event in asyncio.run(worker.events(1, after, 5.0)).events:
            if event.kind is not EventKind.PROGRESS:
                return event
    raise AssertionError("nothing ended")


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


@pytest.fixture
def worker(store):
    return Worker("w", lambda: FakeWorkbench(store, steps=3))


def told(worker, after=0, epoch=1):
    return asyncio.run(worker.events(epoch, after, 0.0))


def test_a_job_is_done_in_turns_and_ends_in_a_record(worker, store):
    job = chunk()
    worker.begin(1, job, attempt=1)
    turns = sum(1 for _ in iter(worker.turn, False))
    assert turns == 3
    assert [event.kind for event in told(worker).events] == [EventKind.PROGRESS, EventKind.FINISHED]
    assert publish.read(store, job.record_key)["asked"] == job.id


def test_only_the_newest_progress_is_kept_and_numbers_grow(worker):
    worker.begin(1, chunk(), attempt=1)
    worker.turn()
    first = told(worker).events[0]
    worker.turn()
    (second,) = told(worker, after=first.number).events
    assert (first.number, second.number, first.done, second.done) == (1, 2, 1, 2)


def test_an_older_epoch_is_refused_and_the_same_one_is_not(worker):
    worker.hello(7)
    worker.begin(7, chunk(), attempt=1)
    with pytest.raises(StaleEpoch, match="epoch 7"):
        worker.begin(6, chunk(4), attempt=1)
    with pytest.raises(StaleEpoch):
        told(worker, epoch=6)


def test_what_is_held_is_told_to_a_new_dispatcher(worker):
    job = chunk()
    worker.begin(1, job, attempt=2)
    (held,) = worker.hello(2).held
    assert (held.job, held.attempt) == (job.id, 2)


def test_taking_the_same_job_twice_does_it_once(worker):
    worker.begin(1, chunk(), attempt=1)
    worker.begin(1, chunk(), attempt=1)
    worker.turn()
    assert len(worker.hello(1).held) == 1


def test_room_shrinks_with_orders_that_wait(worker):
    worker.turn()
    before = worker.hello(1).offer.train_rows
    worker.begin(1, training(), attempt=1)
    assert (before, worker.hello(1).offer.train_rows) == (ROWS, ROWS - 1)


def test_a_stop_at_a_checkpoint_says_where_it_stopped(worker):
    job = training()
    worker.begin(1, job, attempt=1)
    worker.turn()
    worker.stop(1, job.id, at_checkpoint=True)
    worker.turn()
    yielded = told(worker).events[-1]
    assert (yielded.kind, yielded.done, worker.hello(1).held) == (EventKind.YIELDED, 1, ())


def test_a_resumed_training_goes_on_from_its_checkpoint(worker, store):
    job = training()
    worker.begin(1, job, attempt=1)
    worker.turn()
    other = Worker("other", lambda: FakeWorkbench(store, steps=3))
    other.begin(1, job, attempt=2)
    other.turn()
    assert told(other).events[-1].done == 2


def test_a_workbench_that_breaks_hands_every_job_back_and_is_built_anew(store):
    class Broken(FakeWorkbench):
        def turn(self):
            raise RuntimeError("the device fell off")

    opened = iter([Broken(store), FakeWorkbench(store, steps=1)])
    worker = Worker("w", lambda: next(opened))
    job = chunk()
    worker.begin(1, job, attempt=1)
    worker.start()
    failed = ended(worker)
    assert (failed.kind, failed.trouble.retryable, failed.trouble.message) == (
        EventKind.FAILED,
        True,
        "the device fell off",
    )
    worker.begin(1, job, attempt=2)
    finished = ended(worker, after=failed.number)
    worker.close()
    assert (finished.kind, finished.attempt) == (EventKind.FINISHED, 2)


def test_a_store_that_is_away_for_a_while_costs_nobody_a_job(store):
    class Away(FakeWorkbench):
        times = 1

        def turn(self):
            if self.times:
                self.times -= 1
                raise StoreUnavailable("away")
            return super().turn()

    worker = Worker("w", lambda: Away(store, steps=1))
    worker.begin(1, chunk(), attempt=1)
    worker.start()
    event = ended(worker)
    worker.close()
    assert event.kind is EventKind.FINISHED


def test_a_workbench_that_broke_is_closed_so_that_it_keeps_what_it_still_can(store):
    closed = []

    class Broken(FakeWorkbench):
        def turn(self):
            raise RuntimeError("the device fell off")

        def close(self):
            closed.append(self)
            raise RuntimeError("it does not even close")

    first = Broken(store)
    opened = iter([first, FakeWorkbench(store, steps=1)])
    worker = Worker("w", lambda: next(opened))
    worker.begin(1, chunk(), attempt=1)
    worker.start()
    failed = ended(worker)
    worker.close()
    assert (closed, failed.trouble.message) == ([first], "the device fell off")


def test_it_holds_what_it_was_given_until_that_has_ended(worker):
    assert not worker.holds_anything()
    worker.begin(1, chunk(), attempt=1)
    assert worker.holds_anything()
    while worker.turn():
        pass
    assert not worker.holds_anything()
