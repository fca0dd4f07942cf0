"""Waiting jobs in lines, one line per shape, so that thousands of jobs cost what a few dozen shapes do. Chooses nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from jobs.spec import Job, JobKind, Priority


class Shape(NamedTuple):
    """All that the policy looks at in a job; jobs of one shape are served oldest first."""

    kind: JobKind
    priority: Priority
    deadline: float | None
    project: str
    base: str
    gpu_classes: tuple[str, ...]


def shape_of(job: Job, project: str) -> Shape:
    """The shape of a job of a project."""
    place = job.placement
    return Shape(job.kind, place.priority, place.deadline, project, place.base, place.gpu_classes)


class _Ticket(NamedTuple):
    since: float
    number: int
    job: str


class Queue:
    """Lines of waiting jobs. Taking a job out of the middle leaves a stale ticket, which is dropped when it comes to the head."""

    def __init__(self) -> None:
        self._lines: dict[Shape, list[_Ticket]] = {}
        self._counts: dict[Shape, int] = {}
        self._places: dict[str, tuple[Shape, _Ticket]] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, job: str) -> bool:
        return job in self._places

    def add(self, job: str, shape: Shape, since: float) -> None:
        """Put a job into its line, at the place that the time since when it waits gives it."""
        assert job not in self._places, f"{job} waits already"
        self._number += 1
        ticket = _Ticket(since, self._number, job)
        heapq.heappush(self._lines.setdefault(shape, []), ticket)
        self._counts[shape] = self._counts.get(shape, 0) + 1
        self._places[job] = (shape, ticket)

    def remove(self, job: str) -> None:
        """Take a job out of its line; one that is in none is let be."""
        place = self._places.pop(job, None)
        if place is not None:
            self._count_down(place[0])

    def pop(self, shape: Shape) -> str:
        """Take the oldest job of a shape."""
        ticket = self._head(shape)
        heapq.heappop(self._lines[shape])
        del self._places[ticket.job]
        self._count_down(shape)
        return ticket.job

    def shapes(self) -> Iterator[Shape]:
        """Every shape of which a job waits."""
        return iter(self._counts)

    def count(self, shape: Shape) -> int:
        """How many jobs of a shape wait."""
        return self._counts.get(shape, 0)

    def since(self, shape: Shape) -> float:
        """Since when the oldest job of a shape has waited."""
        return self._head(shape).since

    def shape(self, job: str) -> Shape:
        """The shape of a waiting job."""
        return self._places[job][0]

    def ahead_in_line(self, job: str) -> int:
        """How many jobs of its own shape are served before a waiting job."""
        shape, ticket = self._places[job]
        return sum(one < ticket and self._is_current(shape, one) for one in self._lines[shape])

    def _head(self, shape: Shape) -> _Ticket:
        line = self._lines[shape]
        while not self._is_current(shape, line[0]):
            heapq.heappop(line)
        return line[0]

    def _is_current(self, shape: Shape, ticket: _Ticket) -> bool:
        return self._places.get(ticket.job) == (shape, ticket)

    def _count_down(self, shape: Shape) -> None:
        self._counts[shape] -= 1
        if not self._counts[shape]:
            del self._counts[shape], self._lines[shape]
