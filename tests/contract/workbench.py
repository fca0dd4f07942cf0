"""What every Workbench keeps, real or faked. A room's tests inherit this and say how to open one and what to ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import publish
from jobs.errors import StoreUnavailable
from jobs.figures import GROWING, Figure
from jobs.ports import ObjectStore
from jobs.spec import GenerateAsk, Job, JobKind, TrainAsk
from jobs.work import EventKind, Offer, Workbench, WorkEvent
from tests.fakes.away import AwayStore
from tests.fakes.workbench import NO_DATASET

MOST_TURNS = 200
Open = Callable[[ObjectStore], Workbench]


class WorkbenchContract(ABC):
    """Workbenches over one store, and jobs of each kind, different for each number, that take several turns."""

    @abstractmethod
    def open(self, store: ObjectStore) -> Workbench:
        """A fresh workbench."""

    @abstractmethod
    def furnish(self, store: ObjectStore) -> None:
        """Puts into an empty store what the jobs need."""

    @abstractmethod
    def training(self, number: int) -> Job: ...

    @abstractmethod
    def chunk(self, number: int) -> Job: ...

    @abstractmethod
    def intake(self, number: int) -> Job: ...

    @pytest.fixture
    def store(self, tmp_path: Path) -> AwayStore:
        store = FolderStore(tmp_path / "store")
        self.furnish(store)
        return AwayStore(store)

    @pytest.fixture
    def bench(self, store: AwayStore) -> Iterator[Workbench]:
        bench = self.open(store)
        yield bench
        store.is_away = False
        bench.close()

    def of_each_kind(self) -> list[Job]:
        return [self.training(1), self.chunk(1), self.intake(1)]

    def test_a_new_one_has_nothing_to_do_and_room_for_every_kind(self, bench: Workbench) -> None:
        offer = bench.offer()
        assert bench.idle()
        assert min(offer.train_rows, offer.chunks, offer.intakes) >= 1

    def test_every_kind_of_job_tells_its_progress_and_finishes_when_its_record_stands(
        self, bench: Workbench, store: AwayStore
    ) -> None:
        for number, job in enumerate(self.of_each_kind(), start=1):
            bench.begin(job, number)
            events = turned(bench)
            assert [event.attempt for event in events] == [number] * len(events)
            assert [event.kind for event in events] == [EventKind.PROGRESS] * (len(events) - 1) + [EventKind.FINISHED]
            done = [event.done for event in events[:-1]]
            assert done == sorted(done)
            assert {event.total for event in events[:-1]} == {events[0].total}
            assert publish.read(store, job.record_key) is not None

    def test_nothing_is_told_as_finished_before_its_record_stands(self, bench: Workbench, store: AwayStore) -> None:
        jobs = {job.id: job for job in self.of_each_kind()}
        for job in jobs.values():
            bench.begin(job, 1)
        finished = set()
        while not bench.idle():
            for event in bench.turn():
                if event.kind is EventKind.FINISHED:
                    assert store.exists(jobs[event.job].record_key)
                    finished.add(event.job)
        assert finished == jobs.keys()

    def test_a_job_whose_record_stands_is_finished_without_work(self, bench: Workbench, store: AwayStore) -> None:
        for job in self.of_each_kind():
            store.create(job.record_key, b'{"made": "by another"}')
            bench.begin(job, 4)
            (event,) = bench.turn()
            assert (event.job, event.attempt, event.kind) == (job.id, 4, EventKind.FINISHED)
            assert bench.idle()
            assert store.get(job.record_key) == b'{"made": "by another"}'

    @pytest.mark.parametrize("kind", list(JobKind))
    def test_the_offer_shrinks_with_a_job_and_grows_when_it_ends(self, bench: Workbench, kind: JobKind) -> None:
        job = self.of_kind(kind, 1)
        before = room(bench.offer(), kind)
        bench.begin(job, 1)
        during = room(bench.offer(), kind)
        turned(bench)
        assert (during, room(bench.offer(), kind)) == (before - 1, before)

    @pytest.mark.parametrize("kind", list(JobKind))
    def test_a_job_that_is_stopped_is_heard_of_no_more(self, bench: Workbench, store: AwayStore, kind: JobKind) -> None:
        job = self.of_kind(kind, 1)
        before = room(bench.offer(), kind)
        bench.begin(job, 1)
        bench.turn()
        assert bench.stop(job.id, at_checkpoint=False) == []
        assert (turned(bench), room(bench.offer(), kind)) == ([], before)
        assert not store.exists(job.record_key)

    def test_its_figures_have_known_names_and_never_shrink_where_they_only_grow(self, bench: Workbench) -> None:
        for job in self.of_each_kind():
            bench.begin(job, 1)
        told = [bench.figures()]
        while not bench.idle():
            bench.turn()
            told.append(bench.figures())
        assert {*Figure} - {Figure.DEVICE_MEMORY} == {Figure(name) for name in told[-1]} - {Figure.DEVICE_MEMORY}
        for figure in GROWING:
            values = [figures[figure] for figures in told]
            assert values == sorted(values), figure
        assert told[-1][Figure.STEPS] - told[0][Figure.STEPS] == self.training_steps()
        assert told[-1][Figure.IMAGES] - told[0][Figure.IMAGES] == self.chunk_images()
        assert told[-1][Figure.BUSY_SECONDS] > told[0][Figure.BUSY_SECONDS]
        assert told[-1][Figure.STORE_SECONDS] > 0

    def test_its_figures_say_what_it_holds(self, bench: Workbench) -> None:
        free = bench.figures()[Figure.ROWS_FREE]
        for job in (self.training(1), self.training(2), self.chunk(1)):
            bench.begin(job, 1)
        during = bench.figures()
        turned(bench)
        held = (Figure.ROWS_IN_USE, Figure.ROWS_FREE, Figure.CHUNKS_HELD)
        assert [during[figure] for figure in held] == [2, free - 2, 1]
        assert [bench.figures()[figure] for figure in held] == [0, free, 0]

    def test_a_result_that_another_recorded_first_is_counted_as_work_done_twice(
        self, bench: Workbench, store: AwayStore
    ) -> None:
        job = self.training(1)
        bench.begin(job, 1)
        until_step(bench, job, 1)
        store.create(job.record_key, b'{"made": "by another"}')
        turned(bench)
        assert bench.figures()[Figure.DUPLICATE_RECORDS] == 1

    def training_steps(self) -> int:
        """How many steps training 1 takes."""
        ask = self.training(1).ask
        assert isinstance(ask, TrainAsk)
        return ask.recipe.steps

    def chunk_images(self) -> int:
        """How many images chunk 1 takes."""
        ask = self.chunk(1).ask
        assert isinstance(ask, GenerateAsk)
        return ask.stop - ask.start

    def test_letting_go_of_what_is_not_held_is_harmless(self, bench: Workbench) -> None:
        assert bench.stop(self.training(1).id, at_checkpoint=True) == []

    @pytest.mark.parametrize("at_checkpoint", [True, False])
    def test_a_stop_leaves_the_neighbours_at_work(
        self, bench: Workbench, store: AwayStore, at_checkpoint: bool
    ) -> None:
        first, second = self.training(1), self.training(2)
        for job in (first, second):
            bench.begin(job, 1)
        until_step(bench, second, 1)
        bench.stop(first.id, at_checkpoint=at_checkpoint)
        assert ends(turned(bench)) == {second.id: EventKind.FINISHED}
        assert store.exists(second.record_key)

    def test_a_training_that_yields_goes_on_where_it_stopped(self, bench: Workbench, store: AwayStore) -> None:
        job = self.training(1)
        bench.begin(job, 1)
        until_step(bench, job, 1)
        (yielded,) = bench.stop(job.id, at_checkpoint=True)
        assert (yielded.kind, yielded.job, yielded.attempt, yielded.done) == (EventKind.YIELDED, job.id, 1, 1)
        other = self.open(store)
        other.begin(job, 2)
        events = turned(other)
        other.close()
        assert (events[0].done, ends(events)) == (2, {job.id: EventKind.FINISHED})

    def test_what_was_begun_is_kept_when_it_closes(self, store: AwayStore) -> None:
        job, bench = self.training(1), self.open(store)
        bench.begin(job, 1)
        until_step(bench, job, 1)
        bench.close()
        other = self.open(store)
        other.begin(job, 2)
        events = turned(other)
        other.close()
        assert (events[0].done, ends(events)) == (2, {job.id: EventKind.FINISHED})

    def test_a_job_that_cannot_be_done_fails_alone(self, bench: Workbench) -> None:
        sound = self.training(1)
        ask = TrainAsk(dataset=NO_DATASET, **sound.ask.model_dump(exclude={"kind", "dataset"}))
        broken = Job(ask=ask, placement=sound.placement, hints=sound.hints)
        for job in (sound, broken):
            bench.begin(job, 1)
        events = turned(bench)
        assert ends(events) == {sound.id: EventKind.FINISHED, broken.id: EventKind.FAILED}
        (trouble,) = [event.trouble for event in events if event.kind is EventKind.FAILED]
        assert trouble is not None
        assert (trouble.reason, trouble.retryable, bool(trouble.hint)) == ("DatasetInvalid", False, True)

    @pytest.mark.parametrize("kind", list(JobKind))
    def test_a_store_that_goes_away_costs_no_job(self, bench: Workbench, store: AwayStore, kind: JobKind) -> None:
        job = self.of_kind(kind, 1)
        store.is_away = True
        with pytest.raises(StoreUnavailable):
            bench.begin(job, 1)
        store.is_away = False
        bench.begin(job, 1)
        events = bench.turn()
        store.is_away = True
        with pytest.raises(StoreUnavailable):
            events += turned(bench)
        store.is_away = False
        events += turned(bench)
        assert ends(events) == {job.id: EventKind.FINISHED}
        assert store.exists(job.record_key)

    def of_kind(self, kind: JobKind, number: int) -> Job:
        return {JobKind.TRAIN: self.training, JobKind.GENERATE: self.chunk, JobKind.INTAKE: self.intake}[kind](number)


def turned(bench: Workbench) -> list[WorkEvent]:
    """Everything told until there is nothing left to do."""
    events: list[WorkEvent] = []
    for _ in range(MOST_TURNS):
        if bench.idle():
            return events
        events += bench.turn()
    raise AssertionError(f"still at work after {MOST_TURNS} turns; last told: {events[-3:]}")


def until_step(bench: Workbench, job: Job, step: int) -> None:
    """Turn until a job has come to a step."""
    for _ in range(MOST_TURNS):
        if any(event.job == job.id and event.done == step for event in bench.turn()):
            return
    raise AssertionError(f"{job.id} did not come to step {step}")


def ends(events: list[WorkEvent]) -> dict[str, EventKind]:
    """How each job ended, each having ended once."""
    told = [event for event in events if event.kind is not EventKind.PROGRESS]
    assert len({event.job for event in told}) == len(told), f"something ended twice: {told}"
    return {event.job: event.kind for event in told}


def room(offer: Offer, kind: JobKind) -> int:
    return {JobKind.TRAIN: offer.train_rows, JobKind.GENERATE: offer.chunks, JobKind.INTAKE: offer.intakes}[kind]
