"""A Workbench without torch: every kind of job takes a number of counted steps and ends in a real record.

Held to the same contract as jobs.run's (tests/contract/workbench.py). It can be armed, through the store, to kill its own
process once at a named point of a job, for tests on real Ray.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from enum import StrEnum

from cluster import stores
from cluster.ports import EventKind, Offer, Trouble, WorkEvent
from jobs import blobs, keys, publish
from jobs.figures import Figure, Tally
from jobs.metered_store import MeteredStore
from jobs.ports import ObjectStore
from jobs.spec import GenerateAsk, IntakeAsk, Job, JobKind, TrainAsk

ROWS, CHUNKS, INTAKES = 4, 2, 1
_COUNTED_AS = {JobKind.TRAIN: Figure.STEPS, JobKind.GENERATE: Figure.IMAGES}
INTAKE_STEPS = 3
NO_DATASET = "0" * 64
"""A training on this dataset fails, here as on the real workbench: nobody ever took it in."""


class Point(StrEnum):
    """Where an armed workbench dies: in the middle of a step, or when its blob is kept and its record is not."""

    MID_STEP = "mid-step"
    BEFORE_RECORD = "before-record"


@dataclass
class Held:
    """A job under way: the step it has come to, and the one it went on from."""

    job: Job
    attempt: int
    step: int
    steps: int
    resumed_at: int


class FakeWorkbench:
    """Steps every job it holds at once, as the bank does. What a step made is kept at once, as shots are, and so it is a
    checkpoint too: `made(store, job)` tells who did which step. `steps`: of every job, instead of what its ask says."""

    def __init__(self, store: ObjectStore, steps: int = 0, step_seconds: float = 0.0) -> None:
        self._tally = Tally()
        self._store = MeteredStore(store, self._tally)
        self._steps = steps
        self._step_seconds = step_seconds
        self._held: dict[str, Held] = {}
        self._news: list[WorkEvent] = []

    def offer(self) -> Offer:
        count = {kind: sum(held.job.kind is kind for held in self._held.values()) for kind in JobKind}
        return Offer(
            base="fake" if count[JobKind.TRAIN] or count[JobKind.GENERATE] else "",
            train_rows=ROWS - count[JobKind.TRAIN],
            chunks=CHUNKS - count[JobKind.GENERATE],
            intakes=INTAKES - count[JobKind.INTAKE],
        )

    def begin(self, job: Job, attempt: int) -> None:
        if self._store.exists(job.record_key):
            self._news.append(WorkEvent(job=job.id, attempt=attempt, kind=EventKind.FINISHED))
            return
        if isinstance(job.ask, TrainAsk) and job.ask.dataset == NO_DATASET:
            trouble = Trouble(reason="DatasetInvalid", message="The dataset has no record.", hint="Take it in.")
            self._news.append(WorkEvent(job=job.id, attempt=attempt, kind=EventKind.FAILED, trouble=trouble))
            return
        step = max(made(self._store, job.id), default=0)
        self._held[job.id] = Held(job, attempt, step, self._steps or _steps(job), step)

    def turn(self) -> list[WorkEvent]:
        with self._tally.timing(Figure.BUSY_SECONDS):
            time.sleep(self._step_seconds)
            if not self._news:
                for held in list(self._held.values()):
                    self._advance(held)
        news, self._news = self._news, []
        return news

    def _advance(self, held: Held) -> None:
        self._die_if_armed(held, Point.MID_STEP)
        if held.step < held.steps:
            told = {"pid": os.getpid(), "resumed_at": held.resumed_at}
            key = keys.checkpoint(held.job.id, held.step + 1, held.attempt)
            self._store.create(key, json.dumps(told).encode())
            held.step += 1
            if held.job.kind in _COUNTED_AS:
                self._tally.add(_COUNTED_AS[held.job.kind])
        if held.step < held.steps:
            self._tell(held, EventKind.PROGRESS)
            return
        self._publish(held)
        del self._held[held.job.id]
        self._tell(held, EventKind.FINISHED)

    def _publish(self, held: Held) -> None:
        result = blobs.put(self._store, f"what {held.job.id} came to".encode())
        self._die_if_armed(held, Point.BEFORE_RECORD)
        body = {"asked": held.job.id, "result": result, "made": {"pid": os.getpid(), "attempt": held.attempt}}
        publish.record(self._store, held.job.record_key, body, blobs=[result])

    def _die_if_armed(self, held: Held, point: Point) -> None:
        armed = _armed_key(held.job.id, point)
        one_only = f"{armed}-died"  # a lost worker and its successor may come here at once
        if held.step and self._store.exists(armed) and self._store.create(one_only, str(os.getpid()).encode()):
            self._store.delete(armed)
            os.kill(os.getpid(), signal.SIGKILL)

    def _tell(self, held: Held, kind: EventKind) -> None:
        self._news.append(WorkEvent(job=held.job.id, attempt=held.attempt, kind=kind, done=held.step, total=held.steps))

    def figures(self) -> dict[str, float]:
        free = self.offer()
        held = {
            Figure.ROWS_IN_USE: ROWS - free.train_rows,
            Figure.ROWS_FREE: free.train_rows,
            Figure.CHUNKS_HELD: CHUNKS - free.chunks,
        }
        return {**self._tally.read(), **{figure.value: float(amount) for figure, amount in held.items()}}

    def idle(self) -> bool:
        return not self._held and not self._news

    def stop(self, job: str, *, at_checkpoint: bool) -> list[WorkEvent]:
        held = self._held.pop(job, None)
        if held is None or not at_checkpoint:
            return []
        self._tell(held, EventKind.YIELDED)
        return [self._news.pop()]

    def close(self) -> None:
        self._held.clear()


def arm(store: ObjectStore, job: str, point: Point) -> None:
    """Let whoever works on a job die at that point, once, after it has done a step of it."""
    store.delete(f"{_armed_key(job, point)}-died")
    store.put(_armed_key(job, point), b"armed")


def made(store: ObjectStore, job: str) -> dict[int, list[int]]:
    """By step, the attempts that did it."""
    done: dict[int, list[int]] = {}
    for key in store.list(keys.checkpoints(job)):
        _, _, step, attempt = key.split("/")
        done.setdefault(int(step), []).append(int(attempt))
    return done


def _armed_key(job: str, point: Point) -> str:
    return keys.cache(f"armed/{job}/{point.value}")


def _steps(job: Job) -> int:
    match job.ask:
        case TrainAsk() as ask:
            return ask.recipe.steps
        case GenerateAsk() as ask:
            return ask.stop - ask.start
        case IntakeAsk():
            return INTAKE_STEPS


def open_slowly(store: str, **_room: int) -> FakeWorkbench:
    """The fake over a store's address, as a worker opens it; a step lasts a while."""
    return FakeWorkbench(stores.open_store(store), step_seconds=0.2)
