"""The states a job can be in and the table of lawful moves. Pure; knows neither queue nor worker."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands, as the dispatcher sees it."""

    WAITING = "waiting"  # in the queue
    LEASED = "leased"  # a worker has the right to it
    DONE = "done"  # its record stands in the store
    FAILED = "failed"  # it failed for good; a failure is recorded
    CANCELLED = "cancelled"  # nobody wants it any more


LAWFUL: dict[JobState, frozenset[JobState]] = {
    # WAITING to FAILED: the store holds the failures of an earlier dispatcher's attempts.
    JobState.WAITING: frozenset({JobState.LEASED, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.LEASED: frozenset({JobState.WAITING, JobState.DONE, JobState.FAILED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    # FAILED to WAITING: a person asked for a retry. To DONE: a worker thought lost had made the record after all.
    JobState.FAILED: frozenset({JobState.WAITING, JobState.DONE}),
    JobState.CANCELLED: frozenset({JobState.WAITING}),  # somebody wants it again
}


def advance(now: JobState, to: JobState) -> JobState:
    """The new state, if the move is lawful; raises AssertionError otherwise, since only our own mistake can ask for it."""
    assert to in LAWFUL[now], f"unlawful move {now} -> {to}"
    return to
