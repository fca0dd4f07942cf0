"""How much of the farm each project has and lately had, for fair share. Knows no job, worker or order.

A project's share is its active leases plus their average over the last ten minutes or so, both in leases: a lease is charged
at once when it begins, so that a burst cannot slip in, and is forgiven slowly after it has ended.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MEMORY_SECONDS = 600.0
FORGOTTEN = 0.01  # leases; a smaller average of a project without leases is dropped


@dataclass
class _Usage:
    active: int
    average: float
    at: float

    def average_at(self, now: float) -> float:
        kept = math.exp(-(now - self.at) / MEMORY_SECONDS)
        return self.average * kept + self.active * (1.0 - kept)


class Shares:
    """The usage of every project that has leases or lately had some."""

    def __init__(self) -> None:
        self._usages: dict[str, _Usage] = {}

    def of(self, project: str, now: float) -> float:
        """Active leases plus their running average."""
        usage = self._usages.get(project)
        return usage.active + usage.average_at(now) if usage else 0.0

    def begin(self, project: str, now: float) -> None:
        """A lease of the project began."""
        self._change(project, +1, now)

    def end(self, project: str, now: float) -> None:
        """A lease of the project ended."""
        self._change(project, -1, now)

    def forget_old(self, now: float) -> None:
        """Drop projects that have had nothing for long."""
        old = [name for name, one in self._usages.items() if not one.active and one.average_at(now) < FORGOTTEN]
        for name in old:
            del self._usages[name]

    def _change(self, project: str, by: int, now: float) -> None:
        usage = self._usages.setdefault(project, _Usage(0, 0.0, now))
        usage.average, usage.at = usage.average_at(now), now
        usage.active += by
        assert usage.active >= 0, f"{project} ended more leases than it began"
