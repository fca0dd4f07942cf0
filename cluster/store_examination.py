"""What a check of the store is given and what it gives back. Knows no check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.ports import Clock, ObjectStore


class Verdict(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Outcome:
    """What a check found, its verdict, and the next step where it is not passed."""

    found: str
    verdict: Verdict
    next_step: str = ""
    is_away: bool = False


@dataclass(frozen=True)
class Finding:
    """A check's end, for people: its name, what was attempted, what was found, the verdict, the next step, how long it took."""

    name: str
    attempted: str
    found: str
    verdict: Verdict
    next_step: str
    seconds: float


@dataclass(frozen=True)
class Extent:
    """How much is tried: keys that are raced for, racers for each, pages of a listing, rounds of timing, bytes of a large object."""

    races: int
    racers: int
    listed: int
    rounds: int
    large_bytes: int


QUICK = Extent(races=1, racers=32, listed=8, rounds=3, large_bytes=0)
WHOLE = Extent(
    races=8, racers=32, listed=1_003, rounds=20, large_bytes=40 * 2**20
)  # a page is 1,000 keys; a part is 16 MiB


@dataclass(frozen=True)
class Bench:
    """The store, another client of it, a prefix that nobody else has, and what was written outside of it, to be taken away."""

    store: ObjectStore
    second: ObjectStore
    prefix: str
    clock: Clock
    extent: Extent
    elsewhere: list[str] = field(default_factory=list)

    def key(self, name: str) -> str:
        """A key of this check."""
        return self.prefix + name


@dataclass(frozen=True)
class Check:
    """One question to a store: what people call it, what is attempted, and the attempt."""

    name: str
    attempted: str
    prove: Callable[[Bench], Outcome]


def passed(found: str) -> Outcome:
    """It is as it should be."""
    return Outcome(found, Verdict.PASSED)


def failed(found: str, next_step: str) -> Outcome:
    """It is not as it should be."""
    return Outcome(found, Verdict.FAILED, next_step)


def not_proven(found: str, next_step: str) -> Outcome:
    """Nothing was learnt."""
    return Outcome(found, Verdict.NOT_PROVEN, next_step)
