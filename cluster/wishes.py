"""How many workers the farm should have of each class: queue and workers in, a bounded wish out. Pure: knows no Ray and no clock.

A wish is a total, never above what the groups allow. Workers are asked for at once and given back late; one that holds work stays.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cluster import policy
from cluster.book import Book
from cluster.entries import Entry, WorkerEntry
from cluster.instructions import Moment
from cluster.policy import RESIDENCY_PATIENCE_SECONDS
from cluster.ports import EventBatch, EventKind
from cluster.queue import Queue, Shape
from jobs.spec import JobKind

SETTLING_SECONDS = 90.0
"""A dispatcher to whom nobody has spoken yet does not know what is wanted; owners speak every 30 s."""

SHORTEST_SECONDS = 60.0
"""Work that is due sooner than this asks for no more workers than if it were due then: a pod needs as long to come."""

REFRESH_SECONDS = 120.0
"""What was asked for is asked again so often: a head that is new has not heard of it."""

LATEST_WEIGHS = 0.2
"""How much the latest job counts in what one costs: about the last ten are remembered."""


class Group(BaseModel):
    """Worker pods of one kind, as the chart declares them: how many there may be, and the GPUs and the class of each."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    max: int = Field(ge=0)
    min: int = Field(default=0, ge=0)
    gpu: int = Field(default=0, ge=0)
    gpu_class: str = ""  # left out, the group's name

    @property
    def workers_per_pod(self) -> int:
        """One per GPU, or one where there is none."""
        return max(1, self.gpu)


@dataclass(frozen=True)
class Bounds:
    """The fewest and the most workers that a class may have."""

    least: int
    most: int

    def clamp(self, count: int) -> int:
        return max(self.least, min(self.most, count))


@dataclass(frozen=True)
class Patience:
    """In seconds: how soon what waits should have begun, how long workers are kept after they were needed, and idle."""

    clear: float = 600.0
    keep: float = 300.0
    idle: float = 60.0


DEFAULT_COSTS: Mapping[JobKind, float] = {JobKind.INTAKE: 30.0, JobKind.TRAIN: 300.0, JobKind.GENERATE: 60.0}
"""Seconds of a worker's time that a job takes, its share of what is done together, until some were measured."""


@dataclass(frozen=True)
class Decision:
    """How many workers there should be, by class, and the idle ones that should end.

    ask: what to ask the cluster for, in all, of the classes that lack workers; None where that was asked for lately. A class
    with enough workers is left out: they hold their nodes themselves, and a standing request might hold others instead.
    """

    wish: dict[str, int]
    release: tuple[str, ...] = ()
    ask: dict[str, int] | None = None


@dataclass(frozen=True)
class _Need:
    at: float
    count: int


def bounds_of(groups: Mapping[str, Group]) -> dict[str, Bounds]:
    """By class, in the groups' order, what its groups allow together."""
    found: dict[str, Bounds] = {}
    for name, group in groups.items():
        known = found.get(group.gpu_class or name, Bounds(0, 0))
        per_pod = group.workers_per_pod
        least, most = min(group.min, group.max) * per_pod, group.max * per_pod
        found[group.gpu_class or name] = Bounds(known.least + least, known.most + most)
    return found


class Wishes:
    """Decides how many workers there should be, and remembers when so many were last needed."""

    def __init__(self, groups: Mapping[str, Group], patience: Patience | None = None) -> None:
        self._bounds = bounds_of(groups)
        self._patience = patience or Patience()
        self._costs = dict(DEFAULT_COSTS)
        self._needs: dict[str, deque[_Need]] = {one: deque() for one in self._bounds}
        self._idle_since: dict[str, float] = {}
        self._began: float | None = None
        self._asked: tuple[float, dict[str, int]] | None = None

    def told(self, worker: str, batch: EventBatch, book: Book, at: Moment) -> None:
        """A worker's answer, before it is taken in: what has finished tells what such jobs cost."""
        for event in batch.events:
            entry = book.jobs.get(event.job)
            if event.kind is not EventKind.FINISHED or entry is None or entry.lease is None:
                continue
            if (entry.lease.worker, entry.lease.attempt) == (worker, event.attempt):
                self._learn(entry.job.kind, book.share_seconds(entry, at) or 0.0)

    def decide(self, book: Book, at: Moment) -> Decision | None:
        """What to wish for now; None while it is not known what is wanted, or where no groups are declared."""
        if self._began is None:
            self._began = at.steady
        if not self._bounds or (not book.jobs and at.steady - self._began < SETTLING_SECONDS):
            return None
        there = Counter(worker.offer.gpu_class for worker in book.workers.values())
        needed = needs(book, self._bounds, self._costs, self._patience, at)
        wish = {one: self._kept(one, self._at_first(needed[one], there[one], at), at) for one in self._bounds}
        lacking = {one: count for one, count in wish.items() if count > there[one]}
        return Decision(wish, self._releases(book, wish, there, at), self._to_ask(lacking, at))

    def _to_ask(self, lacking: dict[str, int], at: Moment) -> dict[str, int] | None:
        if self._asked is not None and self._asked[1] == lacking and at.steady - self._asked[0] < REFRESH_SECONDS:
            return None
        self._asked = (at.steady, lacking)
        return lacking

    def _learn(self, kind: JobKind, seconds: float) -> None:
        self._costs[kind] += LATEST_WEIGHS * (seconds - self._costs[kind])

    def _at_first(self, needed: int, there: int, at: Moment) -> int:
        """An earlier dispatcher knew why there are so many workers; until this one can know, they count as needed."""
        assert self._began is not None, "decide says when it began"
        return max(needed, there) if at.steady - self._began < SETTLING_SECONDS else needed

    def _kept(self, gpu_class: str, needed: int, at: Moment) -> int:
        """The most that was needed lately. Of the past only falling needs are remembered: a greater one covers those before."""
        past = self._needs[gpu_class]
        while past and past[-1].count <= needed:
            past.pop()
        past.append(_Need(at.steady, needed))
        while past[0].at < at.steady - self._patience.keep:
            past.popleft()
        return self._bounds[gpu_class].clamp(past[0].count)

    def _releases(self, book: Book, wish: Mapping[str, int], there: Mapping[str, int], at: Moment) -> tuple[str, ...]:
        """The workers beyond the wish, those that have been idle longest; each was idle long enough."""
        idle = {name for name, worker in book.workers.items() if not _is_busy(worker)}
        self._idle_since = {name: self._idle_since.get(name, at.steady) for name in sorted(idle)}
        surplus = {one: there[one] - count for one, count in wish.items()}
        released = []
        for name in sorted(self._idle_since, key=lambda one: self._idle_since[one]):
            gpu_class = book.workers[name].offer.gpu_class
            has_rested = at.steady - self._idle_since[name] >= self._patience.idle
            if has_rested and surplus.get(gpu_class, 0) > 0:
                surplus[gpu_class] -= 1
                released.append(name)
        return tuple(released)


def needs(
    book: Book, bounds: Mapping[str, Bounds], costs: Mapping[JobKind, float], patience: Patience, at: Moment
) -> dict[str, int]:
    """By class, how many workers are needed: those that hold work, and so many that all that waits is through in time.

    A base that no worker has, and that has waited long, needs one more, since the others may never come to it.
    """
    busy = Counter(worker.offer.gpu_class for worker in book.workers.values() if _is_busy(worker))
    seconds = _under_way(book, costs, patience.clear)
    jobs: Counter[str] = Counter()
    passed_over: dict[str, set[str]] = {one: set() for one in bounds}
    resident = {worker.offer.base for worker in book.workers.values()}
    for line in _lines(book.queue, bounds, at):
        left = float(line.count)
        each = costs[line.shape.kind] * patience.clear / max(SHORTEST_SECONDS, min(patience.clear, line.due_in))
        for gpu_class in sorted(line.classes, key=lambda one: not busy[one]):
            room = max(0.0, bounds[gpu_class].most * patience.clear - seconds[gpu_class])
            taken = min(left, room / max(each, 1e-6))
            seconds[gpu_class] += taken * each
            jobs[gpu_class] += math.ceil(taken)
            left -= taken
            patient_for = patience.clear if line.shape.base in resident else RESIDENCY_PATIENCE_SECONDS
            if taken and line.waited >= patient_for:
                passed_over[gpu_class].add(line.shape.base)
            if left <= 0:
                break
    return {
        one: _count(busy[one], jobs[one], seconds[one] / patience.clear, len(passed_over[one]), limits)
        for one, limits in bounds.items()
    }


@dataclass(frozen=True)
class _Line:
    """What waits of one shape, and the classes that may do it."""

    shape: Shape
    classes: list[str]
    count: int
    waited: float
    due_in: float


def _lines(queue: Queue, bounds: Mapping[str, Bounds], at: Moment) -> list[_Line]:
    """What waits, the choosiest first; what no group may ever do is left out."""
    lines = []
    for shape in queue.shapes():
        classes = [one for one in bounds if policy.accepts(shape, one) and bounds[one].most]
        if classes:
            due_in = math.inf if shape.deadline is None else shape.deadline - at.wall
            lines.append(_Line(shape, classes, queue.count(shape), at.steady - queue.since(shape), due_in))
    return sorted(lines, key=lambda line: (len(line.classes), line.due_in))


def _under_way(book: Book, costs: Mapping[JobKind, float], longest: float) -> defaultdict[str, float]:
    """By class, the seconds for which its workers are taken; beyond `longest` one is taken as a whole, for nothing moves."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for worker in book.workers.values():
        left = sum(costs[job.kind] * _share_left(book.jobs[job_id]) for job_id, job in worker.leases.items())
        seconds[worker.offer.gpu_class] += min(left, longest)
    return seconds


def _share_left(entry: Entry) -> float:
    return 1.0 - min(1.0, entry.done / entry.total) if entry.total else 1.0


def _count(busy: int, waiting: int, load: float, passed_over: int, limits: Bounds) -> int:
    enough = min(busy + waiting, max(busy + passed_over, math.ceil(load - 1e-9))) if waiting else busy
    return limits.clamp(enough)


def _is_busy(worker: WorkerEntry) -> bool:
    return bool(worker.held or worker.leases)
