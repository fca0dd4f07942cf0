"""What the dispatcher wants done, as values, and the moment at which it decides. Carries nothing out."""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.ports import Trouble
from jobs.spec import Job


@dataclass(frozen=True)
class Moment:
    """Now: `steady` seconds that only grow, for leases; `wall` seconds since 1970 UTC, for deadlines."""

    steady: float
    wall: float


@dataclass(frozen=True)
class Begin:
    """Give a job to a worker."""

    worker: str
    job: Job
    attempt: int


@dataclass(frozen=True)
class Stop:
    """Let a worker let go of a job."""

    worker: str
    job: str
    at_checkpoint: bool


@dataclass(frozen=True)
class RecordFailure:
    """Write down why an attempt failed."""

    job: str
    attempt: int
    trouble: Trouble
    at: float = field(default=0.0, compare=False)  # seconds since 1970
    seconds: float | None = field(default=None, compare=False)  # of a worker's time that it took, where that is known


@dataclass(frozen=True)
class RecordRetry:
    """Write down that a person asked for attempts beyond this one."""

    job: str
    attempt: int


@dataclass(frozen=True)
class Look:
    """Look into the store what became of a job: all that is known of it, or, where a worker said that an attempt has
    finished, whether its record stands."""

    job: Job
    finished_attempt: int | None = None


Instruction = Begin | Stop | RecordFailure | RecordRetry | Look


@dataclass(frozen=True)
class Found:
    """What the store holds of a job: its record, or the highest attempt that left a trace, how many attempts a worker
    said had failed since the last retry, and the last failure, where it stands."""

    record: bool
    attempt: int = 0
    strikes: int = 0
    trouble: Trouble | None = None
