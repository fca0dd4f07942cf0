"""What a piece of work tells, and the Workbench that does it. Knows no worker, lease or transport."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from jobs.spec import Job


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventKind(StrEnum):
    PROGRESS = "progress"
    FINISHED = "finished"  # the job's record stands in the store
    FAILED = "failed"
    YIELDED = "yielded"  # stopped at a checkpoint, to be leased again


class Trouble(Value):
    """Why something failed, as data."""

    reason: str
    message: str
    hint: str = ""
    retryable: bool = False


class WorkEvent(Value):
    """What happened to a job on a worker. `number` grows by one per worker; facts are such as loss or imagesPerSecond."""

    number: int = 0
    job: str
    attempt: int
    kind: EventKind
    done: int = 0
    total: int = 0
    facts: dict[str, float] = {}
    trouble: Trouble | None = None


class Offer(Value):
    """What a worker is and has room for: the digest of its resident base ('' while none), free adapter rows, free chunks."""

    base: str = ""
    train_rows: int = 0  # trainings it can still take beside those it has
    chunks: int = 0  # chunks it can still take
    intakes: int = 0
    gpu_class: str = "cpu"


class Workbench(Protocol):
    """All that one worker process can do; called from one thread only. Real in jobs.workbench, faked in tests."""

    def offer(self) -> Offer:
        """What there is room for now."""

    def begin(self, job: Job, attempt: int) -> None:
        """Take a job. Failing to prepare it is told by an event, not raised."""

    def turn(self) -> list[WorkEvent]:
        """Do one bounded piece of work (a training step of the bank, one batch of images, one picture of an intake);
        what happened to whom (numbers left at 0)."""

    def idle(self) -> bool:
        """Whether there is nothing to do."""

    def figures(self) -> dict[str, float]:
        """What it has come to and what it holds, by the names of jobs.figures.Figure."""

    def stop(self, job: str, *, at_checkpoint: bool) -> list[WorkEvent]:
        """Let go of a job; with at_checkpoint, write its checkpoint first and say YIELDED."""

    def close(self) -> None:
        """Write what can be kept and release the device."""
