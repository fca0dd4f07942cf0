"""What the end of an attempt means for its job: another attempt, or no more. Gives no orders to workers."""

from __future__ import annotations

from cluster.book import Book
from cluster.entries import Entry
from cluster.instructions import Found, Instruction, Moment, RecordFailure
from cluster.ports import Trouble, WorkEvent
from jobs.errors import WorkerLost
from jobs.lifecycle import JobState

ATTEMPTS = 3
"""How often an attempt may fail where trying again can help."""

LOSSES = 5
"""How often a job may be lost with its worker without having come further: it may be what kills the worker."""

CANCELLED = "Cancelled"
"""The reason of a failure that a person wanted."""

REST_SECONDS = 5.0
"""Before the second attempt; each further rest is four times as long."""


def fail(book: Book, entry: Entry, attempt: int, trouble: Trouble, at: Moment) -> list[Instruction]:
    """An attempt failed: the job rests and waits again, or has failed for good."""
    took = book.share_seconds(entry, at)
    entry.trouble = trouble
    entry.strikes += 1
    if may_try_again(entry.strikes, trouble):
        book.wait_again(entry, at, rest_seconds=REST_SECONDS * 4 ** (entry.strikes - 1))
    else:
        _give_up(book, entry, at)
    return [RecordFailure(entry.id, attempt, trouble, at.wall, took)]


def cancel(book: Book, entry: Entry, trouble: Trouble, at: Moment) -> list[Instruction]:
    """A person said that the job shall not be done: it has failed for good at an attempt of its own."""
    took = book.share_seconds(entry, at) or 0.0  # what waits has taken nothing
    entry.attempt += 1
    entry.strikes += 1
    entry.trouble, entry.cancelled = trouble, None
    _give_up(book, entry, at)
    return [RecordFailure(entry.id, entry.attempt, trouble, at.wall, took)]


def cancellation(by: str, reason: str) -> Trouble:
    """Why a cancelled job has failed. Trying again helps only once a person asks for it."""
    said = f": {reason.rstrip('.')}" if reason else ""
    return Trouble(
        reason=CANCELLED,
        message=f"It was cancelled by {by}{said}.",
        hint="`brandfarm retry` brings it back from its last checkpoint.",
    )


def lose(book: Book, entry: Entry, what_happened: str, at: Moment) -> list[Instruction]:
    """An attempt went with its worker. It counts only where it had come no further than those before it."""
    assert entry.lease is not None, f"{entry.id} has no lease to lose"
    attempt, worker = entry.lease.attempt, entry.lease.worker
    took = book.share_seconds(entry, at)
    entry.losses += entry.done <= entry.best_done
    entry.best_done = max(entry.best_done, entry.done)
    entry.trouble = Trouble(
        reason=WorkerLost.__name__,
        message=f"Worker {worker} {what_happened}; it held attempt {attempt}.",
        hint="It is tried again from its last checkpoint, on another worker if there is one.",
        retryable=True,
    )
    if entry.losses < LOSSES:
        book.wait_again(entry, at)
    else:
        _give_up(book, entry, at)
    return [RecordFailure(entry.id, attempt, entry.trouble, at.wall, took)]


def learn(book: Book, entry: Entry, found: Found, at: Moment) -> None:
    """The store told of the attempts that earlier dispatchers saw: theirs count as ours do."""
    entry.is_looked_up = True
    entry.attempt = max(entry.attempt, found.attempt)
    entry.strikes = max(entry.strikes, found.strikes)
    if entry.state is not JobState.WAITING:
        return
    entry.trouble = entry.trouble or found.trouble
    if found.strikes and found.trouble and not may_try_again(entry.strikes, found.trouble):
        book.move(entry, JobState.FAILED)
    book.line_up(entry, at)


def stay_cancelled(book: Book, entry: Entry, trouble: Trouble, at: Moment) -> None:
    """It is written already that a person cancelled this leased job."""
    entry.trouble, entry.cancelled = trouble, None
    _give_up(book, entry, at)


def may_try_again(strikes: int, trouble: Trouble) -> bool:
    """Three attempts where trying again can help, one where it cannot."""
    return trouble.retryable and strikes < ATTEMPTS


def trouble_of(event: WorkEvent) -> Trouble:
    """Why an attempt failed, as its worker says."""
    unknown = Trouble(reason="Unknown", message="The worker did not say why it failed.", retryable=True)
    return event.trouble or unknown


def without_record(attempt: int) -> Trouble:
    """An attempt is said to have finished, and nothing is there."""
    return Trouble(
        reason="RecordMissing",
        message=f"Attempt {attempt} said it had finished, and the store has no record of it.",
        hint="Run `brandfarm store doctor`; the job is tried again.",
        retryable=True,
    )


def _give_up(book: Book, entry: Entry, at: Moment) -> None:
    book.release(entry, at)
    entry.finished_attempt = None
    book.move(entry, JobState.FAILED)
