"""The workbench of one worker process, on one resident base: intakes, trainings and chunks, in bounded turns.

A turn is a picture of an intake, a piece of a preparation, a due sample, checkpoint or ending, a fused step of all trainings,
or a batch of images. Knows no lease, no epoch and no Ray.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from jobs.bases import loading
from jobs.bases.catalogue import BaseEntry
from jobs.bases.loading import Base
from jobs.datasets.intake import intake
from jobs.errors import OutOfMemory, StoreError, StoreUnavailable
from jobs.figures import Figure, Tally
from jobs.generation.generator import Generator
from jobs.generation.reports import ChunkFailed, ChunkFinished, Report
from jobs.identity import AskedId
from jobs.metered_store import MeteredStore
from jobs.ports import Clock, ObjectStore, Source
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk
from jobs.work import EventKind, Offer, WorkEvent
from jobs.workbench.docket import Docket
from jobs.workbench.trainings import Trainings


@dataclass(frozen=True)
class Room:
    """How much one worker takes at once: trainings that step together and those that are resident, chunks, intakes; images a
    batch; adapters resident for generation."""

    rows: int = 8
    resident: int = 32
    chunks: int = 4
    intakes: int = 1
    batch: int = 8
    adapters: int = 16


@dataclass(frozen=True)
class Resident:
    """A loaded base, and the trainings and chunks on it."""

    base: Base
    trainings: Trainings
    generator: Generator

    @property
    def is_idle(self) -> bool:
        return self.trainings.is_idle and self.generator.is_idle()


class ResidentWorkbench:
    """The real Workbench. `open_source` turns a dataset's address into a Source, `find_base` a digest into a base on this disk.

    Called from one thread.
    """

    def __init__(
        self,
        store: ObjectStore,
        open_source: Callable[[str], Source],
        find_base: Callable[[str], BaseEntry],
        clock: Clock,
        device: str,
        room: Room,
    ) -> None:
        self._open_source, self._find_base, self._clock = open_source, find_base, clock
        self._device, self._room = device, room
        self._tally = Tally(clock.monotonic)
        self._store = MeteredStore(store, self._tally)
        self._docket = Docket(self._store, clock, self._tally)
        self._intakes: dict[AskedId, Iterator[tuple[int, int]]] = {}
        self._resident: Resident | None = None
        self._drew_last = False

    # The protocol

    def offer(self) -> Offer:
        """What there is room for now; a bench with another base's work offers rows and chunks of that base only."""
        here = self._resident
        return Offer(
            base=here.base.digest if here else "",
            train_rows=self._room.resident - (here.trainings.count if here else 0),
            chunks=self._room.chunks - (here.generator.chunks if here else 0),
            intakes=self._room.intakes - len(self._intakes),
            gpu_class=self._device,
        )

    def begin(self, job: Job, attempt: int) -> None:
        """Take a job; what cannot be begun fails with an event. Raises StoreUnavailable, and the job is not taken then."""
        self._docket.enter(job, attempt)
        try:
            with self._tally.timing(Figure.BUSY_SECONDS), self._docket.blaming(job.id):
                self._open(job, attempt)
        except StoreUnavailable:
            self._docket.leave(job.id)
            raise
        self._let_go_of_ended()

    def idle(self) -> bool:
        """Whether there is nothing to do."""
        nothing_resident = self._resident is None or self._resident.is_idle
        return nothing_resident and not self._docket.has_news and not self._intakes

    def figures(self) -> dict[str, float]:
        """What it has come to since it was opened, and what it holds now."""
        here = self._resident
        held = {
            Figure.ROWS_IN_USE: here.trainings.count if here else 0,
            Figure.ROWS_FREE: self.offer().train_rows,
            Figure.CHUNKS_HELD: here.generator.chunks if here else 0,
        }
        if self._device == "cuda":
            held[Figure.DEVICE_MEMORY] = torch.cuda.memory_allocated()
        return {**self._tally.read(), **{figure.value: float(amount) for figure, amount in held.items()}}

    def turn(self) -> list[WorkEvent]:
        """One bounded piece of work and what happened. Raises StoreUnavailable where nothing could be kept."""
        if not self._docket.has_news:
            with self._tally.timing(Figure.BUSY_SECONDS):
                self._work()
            self._let_go_of_ended()
        return self._docket.take_news()

    def stop(self, job: str, *, at_checkpoint: bool) -> list[WorkEvent]:
        """Let go of a job; a training that is to yield keeps its state first."""
        asked = AskedId(job)
        if asked not in self._docket:
            return []
        underway, happened = self._docket[asked], []
        if at_checkpoint:
            done, total = self._resident.trainings.checkpoint(asked) if self._resident else (0, 0)
            happened.append(underway.event(EventKind.YIELDED, done, total))
        underway.log.line("yielded" if at_checkpoint else "stopped")
        self._docket.leave(asked)
        self._release(asked)
        return happened

    def close(self) -> None:
        """Keep the state of every training that can be kept, then let the base go."""
        for asked in self._docket.jobs:
            try:
                self.stop(asked, at_checkpoint=True)
            except StoreError as lost:
                self._docket[asked].log.line("checkpoint lost", why=lost.message)
                self._docket.leave(asked)
                self._release(asked)
        self._drop_base()

    # What a turn may be

    def _work(self) -> None:
        if self._intakes:
            with self._tally.timing(Figure.INTAKE_SECONDS):
                self._advance_intake(next(iter(self._intakes)))
        elif self._resident is not None:
            self._work_on(self._resident)

    def _work_on(self, here: Resident) -> None:
        """What trainings are due comes first; then steps and batches take turns."""
        wants_step = here.generator.is_idle() or (self._drew_last and not here.trainings.is_idle)
        if here.trainings.is_due or wants_step:
            self._drew_last = self._drew_last and here.trainings.is_due
            with self._tally.timing(Figure.TRAINING_SECONDS):
                here.trainings.turn()
        else:
            self._drew_last = True
            with self._tally.timing(Figure.DRAWING_SECONDS):
                reports = here.generator.turn()
            for report in reports:
                self._tell_of_chunk(report)

    def _advance_intake(self, job: AskedId) -> None:
        try:
            with self._docket.blaming(job):
                told = next(self._intakes[job], None)
                if told is None:
                    self._docket.end(job)
                else:
                    self._docket.progress(job, *told)
        except StoreUnavailable:
            self._intakes[job] = self._taking_in(job)  # begun anew; what is kept already is not sent again
            raise

    def _tell_of_chunk(self, report: Report) -> None:
        if report.job not in self._docket:
            return  # stopped between its last image and this turn
        match report:
            case ChunkFinished():
                self._docket.end(report.job)
            case ChunkFailed():
                self._docket.fail(report.job, report.error)
            case _:
                facts = {"reused": float(report.reused), "failed": float(report.failed)}
                self._docket.progress(report.job, report.done, report.total, **facts)

    # Beginnings and ends

    def _open(self, job: Job, attempt: int) -> None:
        if self._store.exists(job.record_key):
            self._docket.end(job.id)
            return
        log = self._docket[job.id].log
        log.line("began", kind=job.kind.value, project=job.hints.project, version=job.hints.version, attempt=attempt)
        match job.ask:
            case IntakeAsk():
                self._intakes[job.id] = self._taking_in(job.id)
            case TrainAsk() as ask:
                self._with_base(ask.base).trainings.begin(job.id)
            case GenerateAsk():
                for sentence in self._with_base(job.placement.base).generator.admit(job, attempt):
                    log.line("not heard in full", why=sentence)

    def _taking_in(self, job: AskedId) -> Iterator[tuple[int, int]]:
        ask = self._docket[job].job.ask
        assert isinstance(ask, IntakeAsk)
        yield from intake(ask, self._open_source(ask.source), self._store)

    def _with_base(self, digest: str) -> Resident:
        """The resident base of that digest, fetched and loaded now if nothing is under way on another.

        Raises OutOfMemory, BaseUnknown, NoRoomOnDisk, StoreUnavailable.
        """
        if self._resident is not None and self._resident.base.digest == digest:
            return self._resident
        if self._resident is not None and not self._resident.is_idle:
            raise OutOfMemory(
                f"This worker is at work on another base than {digest[:12]}...",
                hint="The job is leased again, to a worker that holds its base or is free.",
            )
        self._drop_base()
        with self._tally.timing(Figure.LOADING_SECONDS):
            base = loading.load(self._find_base(digest), self._device)
        batch = self._room.batch
        rows, resident = self._room.rows, self._room.resident
        trainings = Trainings(base, self._store, self._clock, self._docket, rows=rows, resident=resident, batch=batch)
        generator = Generator(base, self._store, batch, self._room.adapters, self._clock, self._tally)
        self._resident = Resident(base, trainings, generator)
        return self._resident

    def _drop_base(self) -> None:
        if self._resident is not None:
            self._resident.generator.close()
        self._resident = None

    def _let_go_of_ended(self) -> None:
        for job in self._docket.take_ended():
            self._release(job)

    def _release(self, job: AskedId) -> None:
        self._intakes.pop(job, None)
        if self._resident is not None:
            self._resident.trainings.release(job)
            self._resident.generator.release(job)
