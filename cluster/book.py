"""The dispatcher's memory, kept consistent: jobs, workers, leases, queue and shares change together. Decides nothing."""

from __future__ import annotations

from cluster import policy
from cluster.entries import Entry, Lease, WorkerEntry
from cluster.instructions import Moment
from cluster.queue import Queue
from cluster.shares import Shares
from jobs.lifecycle import JobState

LEASE_SECONDS = 30.0


class Book:
    """All that the dispatcher knows; every field can be rebuilt from the workers, the owners and the store."""

    def __init__(self) -> None:
        self.jobs: dict[str, Entry] = {}
        self.workers: dict[str, WorkerEntry] = {}
        self.queue = Queue()
        self.shares = Shares()
        self.resting: set[str] = set()
        self.stopping: dict[str, dict[str, float]] = {}  # by job and worker: steady seconds when it was told to let go
        self.moves = 0  # grows with every change of a job's state

    def rooms(self) -> list[policy.Room]:
        """What the workers that answer can take now."""
        return [worker.room() for worker in self.workers.values() if worker.answers]

    def holders(self) -> dict[str, str]:
        """By job, a worker that says it holds it."""
        return {job: worker.name for worker in self.workers.values() for job in worker.held}

    def move(self, entry: Entry, to: JobState) -> None:
        """Change a job's state, if that is lawful; what does not wait stands in no line."""
        entry.move(to)
        self.moves += 1
        if to is not JobState.WAITING:
            self.leave_line(entry)

    def grant(self, entry: Entry, worker: WorkerEntry, attempt: int, at: Moment, *, is_charged: bool = False) -> None:
        """Lease a waiting job to a worker; with `is_charged`, its project's share knows of it already."""
        assert entry.lease is None, f"{entry.id} is leased to {entry.lease.worker if entry.lease else ''} already"
        self.move(entry, JobState.LEASED)
        entry.lease = Lease(worker.name, attempt, at.steady + LEASE_SECONDS, entry.project, began=at.steady)
        entry.attempt = max(entry.attempt, attempt)
        worker.leases[entry.id] = entry.job
        if not is_charged:
            self.shares.begin(entry.project, at.steady)

    def share_seconds(self, entry: Entry, at: Moment) -> float | None:
        """About how much of its worker's time a leased job has had: what is leased together shares alike."""
        lease = entry.lease
        if lease is None:
            return None
        return round((at.steady - lease.began) / len(self.workers[lease.worker].leases), 3)

    def release(self, entry: Entry, at: Moment) -> None:
        """End a job's lease, if it has one; its state is left to the caller."""
        lease, entry.lease = entry.lease, None
        if lease is None:
            return
        self.workers[lease.worker].leases.pop(entry.id)
        self.shares.end(lease.project, at.steady)

    def wait_again(self, entry: Entry, at: Moment, *, rest_seconds: float = 0.0) -> None:
        """Put a job that was leased back into its line, after a rest."""
        self.release(entry, at)
        entry.finished_attempt = None
        entry.rests_until = at.steady + rest_seconds
        self.move(entry, JobState.WAITING)
        self.line_up(entry, at)

    def line_up(self, entry: Entry, at: Moment) -> None:
        """Put a job into its line if it may be begun: it waits, was looked for, has rested, and no worker is letting go of it."""
        self.leave_line(entry)
        if entry.state is not JobState.WAITING or not entry.is_looked_up or entry.id in self.stopping:
            return
        if entry.rests_until > at.steady:
            self.resting.add(entry.id)
            return
        self.queue.add(entry.id, entry.shape, entry.since)

    def leave_line(self, entry: Entry) -> None:
        """Take a job out of its line or its rest."""
        self.queue.remove(entry.id)
        self.resting.discard(entry.id)

    def forget(self, entry: Entry) -> None:
        """Drop a job that nobody wants."""
        assert entry.lease is None, f"{entry.id} is still leased"
        self.leave_line(entry)
        del self.jobs[entry.id]

    def let_go(self, job: str, worker: str, at: Moment) -> None:
        """A worker was told to let go of a job."""
        self.stopping.setdefault(job, {})[worker] = at.steady
        entry = self.jobs.get(job)
        if entry is not None:
            self.leave_line(entry)

    def has_let_go(self, job: str, worker: str, at: Moment) -> None:
        """A worker holds a job no more, or is no more."""
        letting_go = self.stopping.get(job, {})
        letting_go.pop(worker, None)
        if not letting_go and self.stopping.pop(job, None) is not None and job in self.jobs:
            self.line_up(self.jobs[job], at)

    def vain_stops(self, at: Moment) -> list[tuple[str, str]]:
        """Job and worker of every order to let go that had no effect for a lease's time."""
        orders = [(job, worker, told) for job, workers in self.stopping.items() for worker, told in workers.items()]
        return [(job, worker) for job, worker, told in orders if at.steady - told >= LEASE_SECONDS]
