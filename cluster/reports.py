"""What the dispatcher tells owners and people of its memory: where a job stands, why it waits, the farm at a glance. Pure."""

from __future__ import annotations

from collections import Counter

from cluster import policy
from cluster.book import Book
from cluster.entries import Entry
from cluster.instructions import Moment
from cluster.ports import JobReport, Summary
from cluster.queue import Shape
from jobs.lifecycle import JobState


class Reporting:
    """The reports of one moment; what is asked of a shape is worked out once."""

    def __init__(self, book: Book, at: Moment) -> None:
        self._book = book
        self._at = at
        self._rooms = book.rooms()
        self._reasons: dict[Shape, str] = {}

    def job(self, entry: Entry) -> JobReport:
        """Where a job stands. Its reason names no position, so that it changes only when something has changed."""
        return entry.report(self._waiting_for(entry) if entry.state is JobState.WAITING else "")

    def why(self, entry: Entry) -> str:
        """Why a job stands where it does, in one sentence."""
        lease, trouble = entry.lease, entry.trouble
        match entry.state:
            case JobState.WAITING if entry.id in self._book.queue:
                return policy.why_waiting(entry.shape, self._rooms, self._ahead(entry))
            case JobState.WAITING:
                return self._waiting_for(entry)
            case JobState.LEASED if lease is not None:
                return f"It is under way on {lease.worker}, attempt {lease.attempt}."
            case JobState.LEASED:
                return "A worker says that it is finished; the store is being asked for its record."
            case JobState.DONE:
                return "It is done: its record stands in the store."
            case JobState.FAILED:
                found = trouble.message if trouble else "The cause is not known."
                return f"It failed at attempt {entry.attempt}: {found}"
            case JobState.CANCELLED:
                return "Nobody wants it any more."

    def summary(self, epoch: int) -> Summary:
        """The farm at a glance."""
        count = Counter(entry.state for entry in self._book.jobs.values())
        return Summary(
            epoch=epoch,
            waiting=count[JobState.WAITING],
            leased=count[JobState.LEASED],
            done=count[JobState.DONE],
            failed=count[JobState.FAILED],
            workers=tuple(self._book.workers[name].report() for name in sorted(self._book.workers)),
        )

    def _waiting_for(self, entry: Entry) -> str:
        if entry.id in self._book.stopping:
            return "A worker is letting go of an earlier attempt at it."
        if not entry.is_looked_up:
            return "The store is being asked whether it is done already."
        if entry.id in self._book.resting and entry.trouble is not None:
            return f"It rests after attempt {entry.attempt} failed: {entry.trouble.message}"
        shape = entry.shape
        if shape not in self._reasons:
            self._reasons[shape] = policy.why_waiting(shape, self._rooms)
        return self._reasons[shape]

    def _ahead(self, entry: Entry) -> int:
        queue = self._book.queue
        turns = {shape: self._turn(shape) for shape in queue.shapes() if shape.kind is entry.job.kind}
        before = [shape for shape, turn in turns.items() if turn < turns[entry.shape]]
        return sum(queue.count(shape) for shape in before) + queue.ahead_in_line(entry.id)

    def _turn(self, shape: Shape) -> policy.Turn:
        share = self._book.shares.of(shape.project, self._at.steady)
        resident = any(room.base == shape.base for room in self._rooms) or not shape.base
        return policy.turn(shape, self._book.queue.since(shape), share, resident, self._at)
