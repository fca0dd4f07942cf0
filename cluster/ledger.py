"""What the dispatcher reads and writes in the store: who is in charge, what became of a job, why attempts failed.

Every write is created once, so that it can be made again. Blocking: the engine calls these in threads.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from pydantic import ValidationError

from cluster.instructions import Found, Look, RecordFailure, RecordRetry
from cluster.ports import Trouble
from jobs import failpoints, identity, keys
from jobs.errors import KeyNotFound, WorkerLost
from jobs.ports import ObjectStore
from jobs.records import FailureRecord
from jobs.spec import JobKind

log = structlog.get_logger("dispatcher")

LOST = WorkerLost.__name__
"""A failure of this reason is no word against the job: its worker went away."""


def take_charge(store: ObjectStore, claim: bytes) -> int:
    """The next epoch, ours from now on. The claim must differ from every other dispatcher's."""
    failpoints.reach("dispatcher.before-charge")
    epochs = [int(key.rsplit("/", 1)[1]) for key in store.list(keys.EPOCHS)]
    epoch = max(epochs, default=0) + 1
    while not store.create(keys.epoch(epoch), claim):
        epoch += 1
    failpoints.reach("dispatcher.after-charge")
    return epoch


def is_deposed(store: ObjectStore, epoch: int) -> bool:
    """Whether another dispatcher has taken charge since."""
    return store.exists(keys.epoch(epoch + 1))


def look(store: ObjectStore, asked: Look) -> Found:
    """What the store holds of a job."""
    job = asked.job
    if store.exists(job.record_key):
        return Found(record=True)
    if asked.finished_attempt is not None:
        return Found(record=False)
    failures = _numbers(store.list(keys.failures(job.id)))
    checkpoints = _numbers(store.list(keys.checkpoints(job.id))) if job.kind is JobKind.TRAIN else []
    retried = max(_numbers(store.list(keys.retries(job.id))), default=0) if failures else 0
    records = [_failure(store, job.id, attempt) for attempt in failures if attempt > retried]
    struck = [record for record in records if record.reason != LOST]
    return Found(
        record=False,
        attempt=max([*failures, *checkpoints], default=0),
        strikes=len(struck),
        trouble=_trouble(struck[-1]) if struck else None,
    )


def record_failure(store: ObjectStore, failed: RecordFailure) -> None:
    """Write down why an attempt failed; where something is written already, that stands."""
    told = failed.trouble
    record = FailureRecord(
        asked=failed.job,
        attempt=failed.attempt,
        reason=told.reason,
        message=told.message,
        hint=told.hint,
        retryable=told.retryable,
        at=failed.at,
        seconds=failed.seconds,
    )
    failpoints.reach("dispatcher.before-failure")
    store.create(keys.failure(failed.job, failed.attempt), identity.canonical(record.model_dump(mode="json")))
    failpoints.reach("dispatcher.after-failure")


def record_retry(store: ObjectStore, retry: RecordRetry) -> None:
    """Write down that a person asked for more attempts."""
    body = {"asked": retry.job, "attempt": retry.attempt}
    store.create(keys.retry(retry.job, retry.attempt), identity.canonical(body))


def _numbers(found: Iterable[str]) -> list[int]:
    """The attempts that the keys end with, ascending."""
    return sorted(int(key.rsplit("/", 1)[1]) for key in found)


def _failure(store: ObjectStore, asked: str, attempt: int) -> FailureRecord:
    """One failure; what is unreadable, or was swept since the listing, counts as no word against the job."""
    try:
        return FailureRecord.model_validate_json(store.get(keys.failure(asked, attempt)))
    except (KeyNotFound, ValidationError) as unreadable:
        log.warning("failure record not read", job=asked, attempt=attempt, error=type(unreadable).__name__)
        return FailureRecord(asked=asked, attempt=attempt, reason=LOST, message="", retryable=True)


def _trouble(record: FailureRecord) -> Trouble:
    return Trouble(reason=record.reason, message=record.message, hint=record.hint, retryable=record.retryable)
