"""The jobs on a bench, and what is to be told of each: progress, its end, its failure, its log. Does no work itself."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.attempt_log import AttemptLog
from jobs.errors import FarmError, StoreUnavailable
from jobs.figures import Tally
from jobs.identity import AskedId
from jobs.ports import Clock, ObjectStore
from jobs.spec import Job
from jobs.work import EventKind, Trouble, WorkEvent

work = logging.getLogger("brandfarm.work")
"""Where the lifecycle of work is told to its process, a line each, with its fields under `fields`."""

LONGEST_TRACE = 4000
"""Characters of a traceback that an attempt's log keeps: its end, where it broke."""


@dataclass
class Underway:
    """A job on this bench: which attempt, and the log that it tells to."""

    job: Job
    attempt: int
    log: AttemptLog

    def lifecycle(self, event: str, **fields: int | str) -> None:
        """A line to its own log and to the process's. No prompts and no messages: only what is known to be harmless."""
        self.log.line(event, **fields)
        hints = {"project": self.job.hints.project, "version": self.job.hints.version}
        named = {name: value for name, value in hints.items() if value}
        told = {"job": self.job.id, "attempt": self.attempt, **named, **fields}
        work.info(event, extra={"fields": told})

    def event(self, kind: EventKind, done: int = 0, total: int = 0, **facts: float) -> WorkEvent:
        """Something that happened to it."""
        return WorkEvent(job=self.job.id, attempt=self.attempt, kind=kind, done=done, total=total, facts=facts)


class Docket:
    """What is under way by id, what has ended since the last turn, and the news that waits to be told.

    tally: where those who work on the bench count what they do.
    """

    def __init__(self, store: ObjectStore, clock: Clock, tally: Tally) -> None:
        self._store, self._clock, self.tally = store, clock, tally
        self._underway: dict[AskedId, Underway] = {}
        self._news: list[WorkEvent] = []
        self._ended: list[AskedId] = []

    def __contains__(self, job: AskedId) -> bool:
        return job in self._underway

    def __getitem__(self, job: AskedId) -> Underway:
        return self._underway[job]

    @property
    def jobs(self) -> list[AskedId]:
        """All that is under way, in the order of its beginning."""
        return list(self._underway)

    @property
    def has_news(self) -> bool:
        """Whether something waits to be told."""
        return bool(self._news)

    def enter(self, job: Job, attempt: int) -> None:
        """A job comes onto the bench."""
        self._underway[job.id] = Underway(job, attempt, AttemptLog(self._store, job.id, attempt, self._clock))

    def leave(self, job: AskedId) -> None:
        """A job goes off the bench; nothing is told, its log is kept."""
        self._underway.pop(job).log.flush()

    def progress(self, job: AskedId, done: int, total: int, **facts: float) -> None:
        """So many of so many steps, pictures or images are done."""
        self._news.append(self[job].event(EventKind.PROGRESS, done, total, **facts))

    def end(self, job: AskedId) -> None:
        """Its record stands in the store."""
        self[job].log.line("done")
        self._settle(job, self[job].event(EventKind.FINISHED))

    def fail(self, job: AskedId, error: Exception) -> None:
        """It cannot be done here, or at all."""
        trouble = _trouble(error)
        self[job].log.line("failed", reason=trouble.reason, message=trouble.message, hint=trouble.hint)
        self._settle(job, self[job].event(EventKind.FAILED).model_copy(update={"trouble": trouble}))

    @contextmanager
    def blaming(self, job: AskedId) -> Iterator[None]:
        """What goes wrong inside is the failure of this job alone; that the store is away is nobody's."""
        try:
            yield
        except StoreUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, FarmError):
                self[job].log.line("broke", where=traceback.format_exc()[-LONGEST_TRACE:])
            self.fail(job, error)

    def take_ended(self) -> list[AskedId]:
        """The jobs that have ended or failed since this was last asked."""
        ended, self._ended = self._ended, []
        return ended

    def take_news(self) -> list[WorkEvent]:
        """What has happened since this was last asked; the logs of all are written where they are due."""
        for one in self._underway.values():
            one.log.flush_if_due()
        news, self._news = self._news, []
        return news

    def _settle(self, job: AskedId, event: WorkEvent) -> None:
        self._news.append(event)
        self._ended.append(job)
        self.leave(job)


def _trouble(error: Exception) -> Trouble:
    """Why a job failed, as data; what nobody foresaw may go better elsewhere."""
    if isinstance(error, FarmError):
        return Trouble(reason=error.reason, message=error.message, hint=error.hint, retryable=error.retryable)
    message = str(error) or "It broke without a word."
    return Trouble(
        reason=type(error).__name__, message=message, hint="`brandfarm logs` tells where it broke.", retryable=True
    )
