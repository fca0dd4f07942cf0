"""A Workbench without torch: every kind of job takes a number of counted steps and ends in a real record.

Held to the same contract as jobs.run's (tests/contract/workbench.py). `step_seconds` makes a step last, for tests on real Ray.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from cluster import stores
from cluster.ports import EventKind, Offer, WorkEvent
from jobs import keys, publish
from jobs.ports import ObjectStore
from jobs.spec import Job, JobKind

ROWS, CHUNKS, INTAKES = 4, 2, 1


@dataclass
class Held:
    """A job under way: the step it has come to."""

    job: Job
    attempt: int
    step: int


class FakeWorkbench:
    """Steps every training it holds at once, as the bank does; writes a checkpoint pointer at every step."""

    def __init__(self, store: ObjectStore, steps: int = 5, step_seconds: float = 0.0) -> None:
        self._store = store
        self._steps = steps
        self._step_seconds = step_seconds
        self._held: dict[str, Held] = {}

    def offer(self) -> Offer:
        count = {kind: sum(held.job.kind is kind for held in self._held.values()) for kind in JobKind}
        return Offer(
            base="fake" if count[JobKind.TRAIN] or count[JobKind.GENERATE] else "",
            train_rows=ROWS - count[JobKind.TRAIN],
            chunks=CHUNKS - count[JobKind.GENERATE],
            intakes=INTAKES - count[JobKind.INTAKE],
        )

    def begin(self, job: Job, attempt: int) -> None:
        known = list(self._store.list(keys.checkpoints(job.id)))
        step = int(known[-1].split("/")[2]) if known else 0
        self._held[job.id] = Held(job, attempt, step)

    def turn(self) -> list[WorkEvent]:
        time.sleep(self._step_seconds)
        return [self._advance(held) for held in list(self._held.values())]

    def _advance(self, held: Held) -> WorkEvent:
        held.step += 1
        self._store.create(keys.checkpoint(held.job.id, held.step, held.attempt), str(os.getpid()).encode())
        if held.step < self._steps:
            return WorkEvent(
                job=held.job.id, attempt=held.attempt, kind=EventKind.PROGRESS, done=held.step, total=self._steps
            )
        publish.record(self._store, held.job.record_key, {"asked": held.job.id, "made": {"pid": os.getpid()}})
        del self._held[held.job.id]
        return WorkEvent(job=held.job.id, attempt=held.attempt, kind=EventKind.FINISHED)

    def idle(self) -> bool:
        return not self._held

    def stop(self, job: str, *, at_checkpoint: bool) -> list[WorkEvent]:
        held = self._held.pop(job, None)
        if held is None or not at_checkpoint:
            return []
        return [WorkEvent(job=job, attempt=held.attempt, kind=EventKind.YIELDED, done=held.step, total=self._steps)]

    def close(self) -> None:
        self._held.clear()


def open_workbench(store: str, steps: int = 5, step_seconds: float = 0.0) -> FakeWorkbench:
    """The fake over a store's address, as a worker opens it."""
    return FakeWorkbench(stores.open_store(store), steps, step_seconds)
