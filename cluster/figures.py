"""The dispatcher's figures for Prometheus, made of its memory and of what it decided. Decides nothing and is asked nothing back.

No label names a job, a project or a manifest: the number of series follows the number of workers, and nothing else.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cluster import attempts
from cluster.book import Book
from cluster.instructions import Begin, Instruction, Moment, RecordFailure
from cluster.ports import EventBatch, EventKind, WorkEvent
from cluster.worker_figures import WorkerFigures
from jobs.errors import FarmError, WorkerLost
from jobs.lifecycle import JobState
from jobs.spec import JobKind

PREFIX = "brandfarm_dispatcher_"
WAIT_BUCKETS = (0.1, 0.5, 1, 2, 5, 15, 60, 300, 900, 3600, 14400, 43200)
CYCLE_BUCKETS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 5)
LATE_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60)

UNFORESEEN = "Unforeseen"
"""The reason that stands for all that are no words of ours, so that nobody's exception makes a series."""


class LostBy(StrEnum):
    """How a worker was lost: its process or node went, or it was silent until its leases had run out."""

    GONE = "gone"
    SILENT = "silent"


class DispatcherFigures:
    """Counts as the engine goes; what can be read off the book is read when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._workers = WorkerFigures()
        self._registry.register(self._workers)
        self._store_away_since: float | None = None
        self._wish: dict[str, int] = {}
        self._count()
        self._gauge()
        for kind in JobKind:
            self._dispatches.labels(kind.value)
            self._waits.labels(kind.value)
        for how in LostBy:
            self._lost.labels(how.value)

    @property
    def registry(self) -> CollectorRegistry:
        return self._registry

    # What happens.

    def leased(self, begins: Iterable[Instruction], book: Book, at: Moment) -> None:
        """Jobs were leased; how long each had waited is told of its first attempt only."""
        for begin in begins:
            if isinstance(begin, Begin):
                self._dispatches.labels(begin.job.kind.value).inc()
                if begin.attempt == 1:
                    self._waits.labels(begin.job.kind.value).observe(at.steady - book.jobs[begin.job.id].since)

    def cycled(self, seconds: float) -> None:
        """A cycle of placing took so long."""
        self._cycles.observe(seconds)

    def failed(self, failure: RecordFailure, lost_by: LostBy) -> None:
        """An attempt ended without a record."""
        reason, seconds = failure.trouble.reason, failure.seconds or 0.0
        if reason == WorkerLost.__name__:
            self._lost.labels(lost_by.value).inc()
            self._lost_seconds.labels("lost").inc(seconds)
            return
        self._failures.labels(reason if reason in REASONS else UNFORESEEN).inc()
        self._lost_seconds.labels("cancelled" if reason == attempts.CANCELLED else "failed").inc(seconds)

    def told(self, worker: str, batch: EventBatch, book: Book) -> None:
        """A worker's answer, before it is taken in."""
        known = book.workers.get(worker)
        if known is None or known.incarnation != batch.incarnation:
            return  # the last word of one that is gone
        self._workers.told(worker, batch.incarnation, batch.figures)
        news = [event for event in batch.events if event.number > known.last_event]
        self._duplicates.inc(sum(_is_second(worker, event, book) for event in news))

    def gone(self, worker: str) -> None:
        """A worker is no more."""
        self._workers.gone(worker)

    def late(self, seconds: float) -> None:
        """The loop came so much later to its tick than it should have."""
        self._late.observe(max(0.0, seconds))

    def sized(self, wish: Mapping[str, int]) -> None:
        """So many workers there should be, by class."""
        self._wish = dict(wish)

    def store_answered(self, answered: bool, steady: float) -> None:
        """The store answered, or was away, at a moment in steady seconds."""
        if answered:
            self._store_away_since = None
        elif self._store_away_since is None:
            self._store_away_since = steady

    # What is told.

    def text(self, book: Book, at: Moment, epoch: int) -> bytes:
        """All figures in Prometheus' text format."""
        self._epoch.set(epoch)
        away = self._store_away_since
        self._store_away.set(0.0 if away is None else at.steady - away)
        self._read(book, at)
        return generate_latest(self._registry)

    def _read(self, book: Book, at: Moment) -> None:
        counts = Count((entry.job.kind, entry.state) for entry in book.jobs.values())
        leases = Count(job.kind for worker in book.workers.values() for job in worker.leases.values())
        for kind in JobKind:
            for state in JobState:
                self._jobs.labels(kind.value, state.value).set(counts[kind, state])
            self._leases.labels(kind.value).set(leases[kind])
            self._oldest.labels(kind.value).set(max(_waits(book, kind, at), default=0.0))
        answering = sum(worker.answers for worker in book.workers.values())
        self._worker_states.labels("answering").set(answering)
        self._worker_states.labels("silent").set(len(book.workers) - answering)
        there = Count(worker.offer.gpu_class for worker in book.workers.values())
        for gpu_class, wished in self._wish.items():
            self._wished.labels(gpu_class).set(wished)
            self._there.labels(gpu_class).set(there[gpu_class])

    # Which there are.

    def _count(self) -> None:
        kept = self._registry
        self._dispatches = Counter(f"{PREFIX}dispatches_total", "Leases granted.", ["kind"], registry=kept)
        self._waits = Histogram(
            f"{PREFIX}wait_seconds", "From wanted to first leased.", ["kind"], buckets=WAIT_BUCKETS, registry=kept
        )
        self._cycles = Histogram(
            f"{PREFIX}cycle_seconds", "One round of placing.", buckets=CYCLE_BUCKETS, registry=kept
        )
        self._late = Histogram(
            f"{PREFIX}loop_late_seconds", "Ticks that came late.", buckets=LATE_BUCKETS, registry=kept
        )
        self._lost = Counter(f"{PREFIX}attempts_lost_total", "Attempts lost with their worker.", ["why"], registry=kept)
        self._failures = Counter(f"{PREFIX}attempts_failed_total", "Attempts that failed.", ["reason"], registry=kept)
        self._lost_seconds = Counter(
            f"{PREFIX}lost_worker_seconds_total", "Workers' time of attempts without a record.", ["why"], registry=kept
        )
        self._duplicates = Counter(
            f"{PREFIX}duplicates_total", "Attempts that finished while another had the lease.", registry=kept
        )

    def _gauge(self) -> None:
        kept = self._registry
        self._jobs = Gauge(f"{PREFIX}jobs", "Wanted jobs by where they stand.", ["kind", "state"], registry=kept)
        self._leases = Gauge(f"{PREFIX}leases", "Leases that stand.", ["kind"], registry=kept)
        self._oldest = Gauge(f"{PREFIX}oldest_wait_seconds", "How long the oldest has waited.", ["kind"], registry=kept)
        self._worker_states = Gauge(f"{PREFIX}workers", "Workers that answer, or do not.", ["state"], registry=kept)
        self._wished = Gauge(f"{PREFIX}workers_wished", "Workers there should be.", ["gpu_class"], registry=kept)
        self._there = Gauge(f"{PREFIX}workers_there", "Workers of a class that may grow.", ["gpu_class"], registry=kept)
        self._epoch = Gauge(f"{PREFIX}epoch", "The number of its charge, 0 while it has none.", registry=kept)
        self._store_away = Gauge(f"{PREFIX}store_away_seconds", "Since when the store has not answered.", registry=kept)


def _waits(book: Book, kind: JobKind, at: Moment) -> Iterator[float]:
    entries = (entry for entry in book.jobs.values() if entry.state is JobState.WAITING and entry.job.kind is kind)
    return (at.steady - entry.since for entry in entries)


def _is_second(worker: str, event: WorkEvent, book: Book) -> bool:
    """Whether an attempt has finished whose job is leased to another."""
    entry = book.jobs.get(event.job)
    lease = entry.lease if entry else None
    if event.kind is not EventKind.FINISHED or lease is None:
        return False
    return (lease.worker, lease.attempt) != (worker, event.attempt)


def _reasons(error: type[FarmError]) -> Iterator[str]:
    for one in error.__subclasses__():
        yield one.__name__
        yield from _reasons(one)


REASONS = frozenset({*_reasons(FarmError), attempts.CANCELLED, attempts.without_record(0).reason})
