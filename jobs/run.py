"""Joins the heavy half: the workbench of one worker process, on one resident base. Imported only inside that process.

Every turn is one bounded piece of work: a picture of an intake, a piece of a preparation, a fused step of all trainings,
a due sample, checkpoint or ending, or a batch of images. Knows no lease, no epoch and no Ray.
"""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from accelerate import PartialState

from jobs import training_samples
from jobs.attempt_log import AttemptLog
from jobs.bases import catalogue, loading
from jobs.bases.loading import Base
from jobs.datasets.intake import intake
from jobs.datasets.prepare import Turns, prepare
from jobs.errors import FarmError, OutOfMemory, StoreError, StoreUnavailable
from jobs.generation.generator import Generator
from jobs.generation.reports import ChunkFailed, ChunkFinished, Report
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore, Source
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk
from jobs.training import finish_training
from jobs.training.prepared import PreparedDataset
from jobs.training.trainer import Trainer
from jobs.work import EventKind, Offer, Trouble, WorkEvent

LONGEST_TRACE = 4000
"""Characters of a traceback that an attempt's log keeps: its end, where it broke."""


@dataclass(frozen=True)
class Room:
    """How much one worker takes at once: trainings, chunks, intakes; images a batch; adapters resident for generation."""

    rows: int = 8
    chunks: int = 4
    intakes: int = 1
    batch: int = 8
    adapters: int = 16


@dataclass(frozen=True)
class Due:
    """Something that a training must do before its next step: sample, checkpoint or finish."""

    what: str
    job: AskedId
    step: int


@dataclass
class Underway:
    """A job on this bench: which attempt, and the log that it tells to."""

    job: Job
    attempt: int
    log: AttemptLog


class ResidentWorkbench:
    """The real Workbench. `open_source` turns a dataset's address into a Source. Called from one thread."""

    def __init__(
        self, store: ObjectStore, open_source: Callable[[str], Source], clock: Clock, device: str, room: Room
    ) -> None:
        self._store, self._open_source, self._clock = store, open_source, clock
        self._device, self._room = device, room
        self._base: Base | None = None
        self._trainer: Trainer | None = None
        self._generator: Generator | None = None
        self._underway: dict[AskedId, Underway] = {}
        self._intakes: dict[AskedId, Iterator[tuple[int, int]]] = {}
        self._preparing: dict[AskedId, Turns] = {}
        self._due: deque[Due] = deque()
        self._news: list[WorkEvent] = []
        self._drew_last = False

    # The protocol

    def offer(self) -> Offer:
        """What there is room for now; a bench with another base's work offers rows and chunks of that base only."""
        trainings = len(self._preparing) + (len(self._trainer.jobs) if self._trainer else 0)
        return Offer(
            base=self._base.digest if self._base else "",
            train_rows=self._room.rows - trainings,
            chunks=self._room.chunks - (self._generator.chunks if self._generator else 0),
            intakes=self._room.intakes - len(self._intakes),
            gpu_class=self._device,
        )

    def begin(self, job: Job, attempt: int) -> None:
        """Take a job; what cannot be begun fails with an event. Raises StoreUnavailable, and the job is not taken then."""
        self._underway[job.id] = Underway(job, attempt, AttemptLog(self._store, job.id, attempt, self._clock))
        try:
            with self._blaming(job.id):
                self._open(job, attempt)
        except StoreUnavailable:
            del self._underway[job.id]
            raise

    def idle(self) -> bool:
        busy = bool(self._news or self._intakes or self._preparing or self._due)
        return not busy and self._trains_nothing() and self._draws_nothing()

    def turn(self) -> list[WorkEvent]:
        """One bounded piece of work and what happened. Raises StoreUnavailable where nothing could be kept."""
        if not self._news:
            self._work()
        for one in self._underway.values():
            one.log.flush_if_due()
        news, self._news = self._news, []
        return news

    def stop(self, job: str, *, at_checkpoint: bool) -> list[WorkEvent]:
        """Let go of a job; a training that is to yield keeps its state first."""
        asked = AskedId(job)
        underway = self._underway.get(asked)
        if underway is None:
            return []
        event = self._yielded(underway) if at_checkpoint else None
        underway.log.line("yielded" if at_checkpoint else "stopped")
        self._release(asked)
        return [event] if event else []

    def close(self) -> None:
        """Keep the state of every training that can be kept, then let the base go."""
        for asked in list(self._underway):
            try:
                self.stop(asked, at_checkpoint=True)
            except StoreError as lost:
                self._underway[asked].log.line("checkpoint lost", why=lost.message)
                self._release(asked)
        self._drop_base()

    # What a turn may be

    def _work(self) -> None:
        if self._intakes:
            self._advance_intake(next(iter(self._intakes)))
        elif self._due:
            self._do_due()
        elif self._preparing:
            self._advance_preparing(next(iter(self._preparing)))
        elif self._draws_nothing() or (self._drew_last and not self._trains_nothing()):
            self._drew_last = False
            self._step()
        else:
            self._drew_last = True
            self._draw()

    def _advance_intake(self, job: AskedId) -> None:
        try:
            with self._blaming(job):
                told = next(self._intakes[job], None)
                if told is None:
                    self._end(job)
                else:
                    self._progress(job, *told)
        except StoreUnavailable:
            self._intakes[job] = self._taking_in(job)  # begun anew; what is kept already is not sent again
            raise

    def _advance_preparing(self, job: AskedId) -> None:
        try:
            with self._blaming(job):
                self._prepare_on(job)
        except StoreUnavailable:
            self._preparing[job] = self._preparation(job)  # begun anew; what was computed is in the cache
            raise

    def _prepare_on(self, job: AskedId) -> None:
        try:
            next(self._preparing[job])
        except StopIteration as ready:
            self._admit(job, ready.value)
            del self._preparing[job]

    def _admit(self, job: AskedId, dataset: PreparedDataset) -> None:
        assert self._trainer is not None
        underway = self._underway[job]
        admission = self._trainer.admit(underway.job, underway.attempt, dataset)
        for sentence in admission.skipped:
            underway.log.line("checkpoint skipped", why=sentence)
        underway.log.line("training", resumed_at_step=admission.step)
        if self._trainer.project(job).is_finished:
            self._due.append(Due("finish", job, admission.step))

    def _step(self) -> None:
        assert self._trainer is not None
        for report in self._trainer.step():
            log = self._underway[report.job].log
            if report.diverged is not None:
                self._fail(report.job, _trouble(report.diverged))
                continue
            if report.step % 10 == 0 or report.is_finished:
                log.line("step", step=report.step, steps=report.steps, loss=round(report.loss, 6), fused=report.company)
            self._progress(report.job, report.step, report.steps, loss=report.loss, fused=float(report.company))
            due = {
                "sample": report.sample_is_due,
                "checkpoint": report.checkpoint_is_due and not report.is_finished,
                "finish": report.is_finished,
            }
            self._due.extend(Due(what, report.job, report.step) for what, is_due in due.items() if is_due)

    def _do_due(self) -> None:
        """The first thing due; it stays due where the store is away."""
        due = self._due[0]
        with self._blaming(due.job):
            {"sample": self._sample, "checkpoint": self._checkpoint, "finish": self._finish}[due.what](due)
        if self._due and self._due[0] is due:
            self._due.popleft()

    def _sample(self, due: Due) -> None:
        assert self._trainer is not None
        assert self._base is not None
        underway, bank_and_slot = self._underway[due.job], self._trainer.rows_for(due.job)
        made = training_samples.draw(
            self._store, self._base, underway.job, due.step, *bank_and_slot, batch_size=self._room.batch
        )
        self._trainer.add_samples(due.job, made)
        underway.log.line("sampled", step=due.step, pictures=len(made))

    def _checkpoint(self, due: Due) -> None:
        assert self._trainer is not None
        key = self._trainer.checkpoint(due.job)
        self._underway[due.job].log.line("checkpoint", step=due.step, key=key)

    def _finish(self, due: Due) -> None:
        assert self._trainer is not None
        assert self._base is not None
        published = finish_training.finish(self._trainer, self._base, self._store, due.job)
        self._underway[due.job].log.line("trained", adapter=published.body["adapter"], first=published.won)
        self._end(due.job)

    def _draw(self) -> None:
        assert self._generator is not None
        for report in self._generator.turn():
            self._tell_of_chunk(report)

    def _tell_of_chunk(self, report: Report) -> None:
        if report.job not in self._underway:
            return  # stopped between its last image and this turn
        match report:
            case ChunkFinished():
                self._end(report.job)
            case ChunkFailed():
                self._fail(report.job, _trouble(report.error))
            case _:
                facts = {"reused": float(report.reused), "failed": float(report.failed)}
                self._progress(report.job, report.done, report.total, **facts)

    # Beginnings and ends

    def _open(self, job: Job, attempt: int) -> None:
        if self._store.exists(job.record_key):
            self._end(job.id)
            return
        self._underway[job.id].log.line(
            "began", kind=job.kind.value, project=job.hints.project, version=job.hints.version, attempt=attempt
        )
        match job.ask:
            case IntakeAsk():
                self._intakes[job.id] = self._taking_in(job.id)
            case TrainAsk() as ask:
                self._require_base(ask.base)
                self._preparing[job.id] = self._preparation(job.id)
            case GenerateAsk():
                self._require_base(job.placement.base)
                assert self._generator is not None
                self._generator.admit(job, attempt)

    def _taking_in(self, job: AskedId) -> Iterator[tuple[int, int]]:
        ask = self._underway[job].job.ask
        assert isinstance(ask, IntakeAsk)
        yield from intake(ask, self._open_source(ask.source), self._store)

    def _preparation(self, job: AskedId) -> Turns:
        ask = self._underway[job].job.ask
        assert isinstance(ask, TrainAsk)
        assert self._base is not None
        return prepare(self._store, self._base, ask)

    def _require_base(self, digest: str) -> None:
        if self._base is not None and self._base.digest == digest:
            return
        if self._preparing or not self._trains_nothing() or not self._draws_nothing():
            raise OutOfMemory(
                f"This worker is at work on another base than {digest[:12]}...",
                hint="The job is leased again, to a worker that holds its base or is free.",
            )
        self._drop_base()
        self._base = loading.load(catalogue.by_digest(digest), self._device)
        self._trainer = Trainer(self._base, self._store, self._room.rows, self._clock)
        self._generator = Generator(self._base, self._store, self._room.batch, self._room.adapters, self._clock)

    def _drop_base(self) -> None:
        if self._generator is not None:
            self._generator.close()
        self._base = self._trainer = self._generator = None

    def _yielded(self, underway: Underway) -> WorkEvent:
        job, done, total = underway.job.id, 0, 0
        if self._trainer is not None and job in self._trainer.jobs:
            project = self._trainer.project(job)
            done, total = project.step, project.recipe.steps
            if done:
                self._trainer.checkpoint(job)
        return WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.YIELDED, done=done, total=total)

    def _end(self, job: AskedId) -> None:
        underway = self._underway[job]
        underway.log.line("done")
        self._news.append(WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.FINISHED))
        self._release(job)

    @contextmanager
    def _blaming(self, job: AskedId) -> Iterator[None]:
        """What goes wrong inside is the failure of this job alone; that the store is away is nobody's."""
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, FarmError):
                self._underway[job].log.line("broke", where=traceback.format_exc()[-LONGEST_TRACE:])
            self._fail(job, _trouble(error))

    def _fail(self, job: AskedId, trouble: Trouble) -> None:
        underway = self._underway[job]
        underway.log.line("failed", reason=trouble.reason, message=trouble.message, hint=trouble.hint)
        self._news.append(WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.FAILED, trouble=trouble))
        self._release(job)

    def _release(self, job: AskedId) -> None:
        self._underway.pop(job).log.flush()
        self._intakes.pop(job, None)
        self._preparing.pop(job, None)
        self._due = deque(due for due in self._due if due.job != job)
        if self._trainer is not None:
            self._trainer.release(job)
        if self._generator is not None:
            self._generator.release(job)

    def _progress(self, job: AskedId, done: int, total: int, **facts: float) -> None:
        attempt = self._underway[job].attempt
        self._news.append(
            WorkEvent(job=job, attempt=attempt, kind=EventKind.PROGRESS, done=done, total=total, facts=facts)
        )

    def _trains_nothing(self) -> bool:
        return self._trainer is None or self._trainer.is_idle()

    def _draws_nothing(self) -> bool:
        return self._generator is None or self._generator.is_idle()


def _trouble(error: Exception) -> Trouble:
    """Why a job failed, as data; what nobody foresaw may go better elsewhere."""
    if isinstance(error, FarmError):
        return Trouble(reason=error.reason, message=error.message, hint=error.hint, retryable=error.retryable)
    message = str(error) or "It broke without a word."
    return Trouble(
        reason=type(error).__name__, message=message, hint="`brandfarm logs` tells where it broke.", retryable=True
    )


def open_workbench(
    store: ObjectStore, open_source: Callable[[str], Source], clock: Clock, *, threads: int, room: Room | None = None
) -> ResidentWorkbench:
    """The workbench of this process, on its accelerator where it has one. threads: torch's, for work on the CPU."""
    torch.set_num_threads(threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # weights come from the catalogue, never from a network
    return ResidentWorkbench(store, open_source, clock, PartialState().device.type, room or Room())
