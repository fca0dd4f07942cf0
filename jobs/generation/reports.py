"""What a turn of generation came to, as values. Knows nothing of who listens."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import FarmError
from jobs.identity import AskedId


@dataclass(frozen=True)
class ShotsDone:
    """So many of a chunk's shots are settled: recorded in the store, found there, or set down as failures."""

    job: AskedId
    attempt: int
    done: int
    total: int
    reused: int
    failed: int


@dataclass(frozen=True)
class ChunkFinished:
    """A chunk's record stands in the store."""

    job: AskedId
    attempt: int
    record_key: str


@dataclass(frozen=True)
class ChunkFailed:
    """A chunk was let go without a record; `error` says whether trying again helps."""

    job: AskedId
    attempt: int
    error: FarmError


Report = ShotsDone | ChunkFinished | ChunkFailed
