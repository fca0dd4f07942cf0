"""What the dispatcher tells owners and people of its memory: where a job stands, why it waits, the farm at a glance. Pure."""

from __future__ import annotations

from collections import Counter

from cluster import policy
from cluster.book import Book
from cluster.entries import Entry, Lease
from cluster.instructions import Moment
from cluster.ports import JobReport, Summary
from cluster.queue import Shape
from jobs.lifecycle import JobState
from jobs.spec import JobKind

SHOWN_PROJECTS = 3

_NOUNS = {JobKind.INTAKE: "intake", JobKind.TRAIN: "training", JobKind.GENERATE: "chunk"}


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
                ahead = self._ahead(entry)
                return policy.why_waiting(entry.shape, self._rooms, ahead) + self._under_way(entry, ahead)
            case JobState.WAITING:
                return self._waiting_for(entry) + self._rest(entry)
            case JobState.LEASED if lease is not None:
                return f"It is under way on {lease.worker}, attempt {lease.attempt}{self._forecast(entry, lease)}."
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

    def _rest(self, entry: Entry) -> str:
        left = entry.rests_until - self._at.steady
        return f" It is tried again in {span(left)}." if entry.id in self._book.resting and left > 0 else ""

    def _forecast(self, entry: Entry, lease: Lease) -> str:
        left = lease.remaining_seconds(entry.done, entry.total, self._at.steady)
        return "" if left is None else f"; at its pace it needs {span(left)} more"

    def _under_way(self, entry: Entry, ahead: int) -> str:
        """Who has the places that a waiting job needs, and when one should be free."""
        if any(policy.fits(entry.shape, room) for room in self._rooms):
            return ""
        there = {room.worker for room in self._rooms if policy.accepts(entry.shape, room.gpu_class)}
        rivals = [one for one in self._leased(entry.job.kind) if one.lease and one.lease.worker in there]
        if not rivals:
            return ""
        shares = Counter(one.project for one in rivals).most_common(SHOWN_PROJECTS)
        whose = ", ".join(f"{count} of {project}" for project, count in shares)
        told = f" {_counted(len(rivals), entry.job.kind)} under way there: {whose}.{self._free_in(rivals, ahead)}"
        return told + self._fair_share(entry)

    def _fair_share(self, entry: Entry) -> str:
        """Where a job's project stands among those that wait, by what each has and lately had of the farm."""
        waiting = {shape.project for shape in self._book.queue.shapes()}
        had = {project: self._book.shares.of(project, self._at.steady) for project in waiting}
        less = sum(share < had[entry.project] for share in had.values())
        if len(had) < 2 or not less:
            return ""
        return f" By fair share {less} of the {len(had)} projects that wait come before {entry.project}."

    def _leased(self, kind: JobKind) -> list[Entry]:
        held = (self._book.jobs[job] for worker in self._book.workers.values() for job in worker.leases)
        return [entry for entry in held if entry.job.kind is kind]

    def _free_in(self, rivals: list[Entry], ahead: int) -> str:
        """The next forecast that is known, for a job that is next in line."""
        left = [one.lease.remaining_seconds(one.done, one.total, self._at.steady) for one in rivals if one.lease]
        known = [seconds for seconds in left if seconds is not None]
        return f" The first should be over in {span(min(known))}." if known and not ahead else ""

    def _ahead(self, entry: Entry) -> int:
        queue = self._book.queue
        turns = {shape: self._turn(shape) for shape in queue.shapes() if shape.kind is entry.job.kind}
        before = [shape for shape, turn in turns.items() if turn < turns[entry.shape]]
        return sum(queue.count(shape) for shape in before) + queue.ahead_in_line(entry.id)

    def _turn(self, shape: Shape) -> policy.Turn:
        share = self._book.shares.of(shape.project, self._at.steady)
        resident = any(room.base == shape.base for room in self._rooms) or not shape.base
        return policy.turn(shape, self._book.queue.since(shape), share, resident, self._at)


def span(seconds: float) -> str:
    """Seconds in rough words: `40 s`, `3 min`, `2 h`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


def _counted(count: int, kind: JobKind) -> str:
    return f"1 {_NOUNS[kind]} is" if count == 1 else f"{count} {_NOUNS[kind]}s are"
