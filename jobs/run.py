"""Joins the heavy half: the workbench of one worker process, on one resident base. Imported only inside that process.

Every turn is one bounded piece of work: a picture of an intake, a piece of a preparation, a fused step of all trainings,
a due sample, checkpoint or ending, or a batch of images. Knows no lease, no epoch and no Ray.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from accelerate import PartialState

from jobs import blobs
from jobs.attempt_log import AttemptLog
from jobs.bases import catalogue, loading
from jobs.bases.loading import Base
from jobs.datasets.intake import intake
from jobs.datasets.prepare import Turns, prepare
from jobs.errors import FarmError, OutOfMemory
from jobs.finishing import encode
from jobs.finishing.png import encode_png
from jobs.generation import samples
from jobs.generation.generator import Generator
from jobs.generation.reports import ChunkFailed, ChunkFinished, Report
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore, Source
from jobs.records import Sample
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk
from jobs.training import finish_training
from jobs.training.trainer import StepReport, Trainer
from jobs.work import EventKind, Offer, Trouble, WorkEvent


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
    report: StepReport


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
        """Take a job; what cannot be begun fails with an event. Raises what is retryable about the store."""
        log = AttemptLog(self._store, job.id, attempt, self._clock)
        if self._store.exists(job.record_key):
            self._news.append(WorkEvent(job=job.id, attempt=attempt, kind=EventKind.FINISHED))
            return
        self._underway[job.id] = Underway(job, attempt, log)
        log.line("began", kind=job.kind.value, project=job.hints.project, version=job.hints.version, attempt=attempt)
        try:
            self._open(job, attempt)
        except FarmError as error:
            self._fail(job.id, error)

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
        """Keep the state of every training, then let the base go."""
        for asked in list(self._underway):
            self.stop(asked, at_checkpoint=True)
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
            done, total = next(self._intakes[job])
        except StopIteration:
            self._end(job)
        except FarmError as error:
            self._fail(job, error)
        else:
            self._progress(job, done, total)

    def _advance_preparing(self, job: AskedId) -> None:
        try:
            next(self._preparing[job])
        except StopIteration as ready:
            del self._preparing[job]
            self._admit(job, ready.value)
        except FarmError as error:
            self._fail(job, error)

    def _admit(self, job: AskedId, dataset: object) -> None:
        assert self._trainer is not None
        underway = self._underway[job]
        try:
            admission = self._trainer.admit(underway.job, underway.attempt, dataset)  # type: ignore[arg-type]
        except FarmError as error:
            self._fail(job, error)
            return
        for sentence in admission.skipped:
            underway.log.line("checkpoint skipped", why=sentence)
        underway.log.line("training", resumed_at_step=admission.step)

    def _step(self) -> None:
        assert self._trainer is not None
        for report in self._trainer.step():
            log = self._underway[report.job].log
            if report.diverged is not None:
                self._fail(report.job, report.diverged)
                continue
            if report.step % 10 == 0 or report.is_finished:
                log.line("step", step=report.step, steps=report.steps, loss=round(report.loss, 6), fused=report.company)
            self._progress(report.job, report.step, report.steps, loss=report.loss, fused=float(report.company))
            due = {
                "sample": report.sample_is_due,
                "checkpoint": report.checkpoint_is_due and not report.is_finished,
                "finish": report.is_finished,
            }
            self._due.extend(Due(what, report) for what, is_due in due.items() if is_due)

    def _do_due(self) -> None:
        """The first thing due; it stays due where the store is away."""
        due = self._due[0]
        try:
            {"sample": self._sample, "checkpoint": self._checkpoint, "finish": self._finish}[due.what](due.report)
        except FarmError as error:
            if error.retryable:
                raise
            self._fail(due.report.job, error)
        if self._due and self._due[0] is due:
            self._due.popleft()

    def _sample(self, report: StepReport) -> None:
        assert self._trainer is not None
        assert self._base is not None
        job = self._underway[report.job].job
        assert isinstance(job.ask, TrainAsk)
        wanted, side = job.hints.samples, job.ask.recipe.resolution
        pairs = [(prompt, seed) for prompt in wanted.prompts for seed in wanted.seeds]
        request = samples.Wanted(
            [prompt for prompt, _ in pairs],
            [seed for _, seed in pairs],
            wanted.sampling,
            side,
            side,
            batch_size=self._room.batch,
        )
        pictures = samples.draw(self._base, request, *self._trainer.rows_for(report.job))
        made = []
        for (prompt, seed), picture in zip(pairs, pictures, strict=True):
            png = encode_png(encode.to_bytes_rgb(picture.cpu()), {"parameters": f"{prompt}\nSeed: {seed}"})
            made.append(Sample(step=report.step, prompt=prompt, seed=seed, image=blobs.put(self._store, png)))
        self._trainer.add_samples(report.job, made)
        self._underway[report.job].log.line("sampled", step=report.step, pictures=len(made))

    def _checkpoint(self, report: StepReport) -> None:
        assert self._trainer is not None
        key = self._trainer.checkpoint(report.job)
        self._underway[report.job].log.line("checkpoint", step=report.step, key=key)

    def _finish(self, report: StepReport) -> None:
        assert self._trainer is not None
        assert self._base is not None
        published = finish_training.finish(self._trainer, self._base, self._store, report.job)
        self._underway[report.job].log.line("trained", adapter=published.body["adapter"], first=published.won)
        self._end(report.job)

    def _draw(self) -> None:
        assert self._generator is not None
        for report in self._generator.turn():
            self._tell_of_chunk(report)

    def _tell_of_chunk(self, report: Report) -> None:
        match report:
            case ChunkFinished():
                self._end(report.job)
            case ChunkFailed():
                self._fail(report.job, report.error)
            case _:
                facts = {"reused": float(report.reused), "failed": float(report.failed)}
                self._progress(report.job, report.done, report.total, **facts)

    # Beginnings and ends

    def _open(self, job: Job, attempt: int) -> None:
        match job.ask:
            case IntakeAsk() as ask:
                self._intakes[job.id] = intake(ask, self._open_source(ask.source), self._store)
            case TrainAsk() as ask:
                self._require_base(ask.base)
                assert self._base is not None
                self._preparing[job.id] = prepare(self._store, self._base, ask)
            case GenerateAsk() as ask:
                self._require_base(job.placement.base)
                assert self._generator is not None
                self._generator.admit(job, attempt)

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
            if 0 < done < total:
                self._trainer.checkpoint(job)
        return WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.YIELDED, done=done, total=total)

    def _end(self, job: AskedId) -> None:
        underway = self._underway[job]
        underway.log.line("done")
        self._news.append(WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.FINISHED))
        self._release(job)

    def _fail(self, job: AskedId, error: FarmError) -> None:
        underway = self._underway[job]
        underway.log.line("failed", reason=error.reason, message=error.message, hint=error.hint)
        trouble = Trouble(reason=error.reason, message=error.message, hint=error.hint, retryable=error.retryable)
        self._news.append(WorkEvent(job=job, attempt=underway.attempt, kind=EventKind.FAILED, trouble=trouble))
        self._release(job)

    def _release(self, job: AskedId) -> None:
        self._underway.pop(job).log.flush()
        self._intakes.pop(job, None)
        self._preparing.pop(job, None)
        self._due = deque(due for due in self._due if due.report.job != job)
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


def open_workbench(
    store: ObjectStore, open_source: Callable[[str], Source], clock: Clock, *, threads: int, room: Room | None = None
) -> ResidentWorkbench:
    """The workbench of this process, on its accelerator where it has one. threads: torch's, for work on the CPU."""
    torch.set_num_threads(threads)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # weights come from the catalogue, never from a network
    return ResidentWorkbench(store, open_source, clock, PartialState().device.type, room or Room())
