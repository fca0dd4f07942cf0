"""Who is next, and where: values in, placements out. Knows no lease, attempt or store, and reads no clock.

The order: priority, then nearness of the deadline, then fair share by project, then a resident base, then age. The room: one
that fits, with the base resident, then with none, then with another it can drop; among equals the one that holds least.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cluster.instructions import Moment
from cluster.ports import Offer
from cluster.queue import Queue, Shape
from cluster.shares import Shares
from jobs.spec import JobKind, Priority

NEARNESS_SECONDS = (900.0, 3600.0, 14400.0, 86400.0)
"""A deadline counts in bands, so that a campaign due next week does not outrank everybody today."""

RESIDENCY_PATIENCE_SECONDS = 120.0
"""How long a job may be passed over because another's base is resident; a base loads in seconds to a minute."""

PLACEMENTS_PER_CYCLE = 256
"""A cycle stays short; the engine begins the next one at once."""

_RANKS = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}


@dataclass
class Room:
    """What one worker can still take in this cycle. `is_bound` while it holds work that needs the base it has."""

    worker: str
    base: str
    gpu_class: str
    free: dict[JobKind, int]
    holds: int = 0
    is_bound: bool = False
    is_saved: bool = False  # kept free in this cycle for a job that needs another base

    def take(self, shape: Shape) -> None:
        """One more job of a shape is placed here."""
        self.free[shape.kind] -= 1
        self.holds += 1
        if shape.base:
            self.base, self.is_bound = shape.base, True


class Placed(NamedTuple):
    """A decision: this job goes to this worker."""

    job: str
    worker: str


class Turn(NamedTuple):
    """A shape's place in the order; the smallest is next."""

    rank: int
    nearness: int
    share: int
    must_load_base: bool
    deadline: float
    since: float


def room_of(worker: str, offer: Offer) -> Room:
    """The room that an offer describes."""
    free = {JobKind.TRAIN: offer.train_rows, JobKind.GENERATE: offer.chunks, JobKind.INTAKE: offer.intakes}
    return Room(worker, offer.base, offer.gpu_class, free)


def turn(shape: Shape, since: float, share: float, base_is_resident: bool, at: Moment) -> Turn:
    """When a shape's oldest job is served. A share counts in steps of half a lease, so that small differences leave the
    choice to the resident base and to age."""
    passed_over_long = at.steady - since > RESIDENCY_PATIENCE_SECONDS
    return Turn(
        rank=_RANKS[shape.priority],
        nearness=_nearness(shape.deadline, at.wall),
        share=math.floor(2 * share),
        must_load_base=not (base_is_resident or passed_over_long),
        deadline=math.inf if shape.deadline is None else shape.deadline,
        since=since,
    )


def _nearness(deadline: float | None, wall: float) -> int:
    if deadline is None:
        return len(NEARNESS_SECONDS)
    return bisect_left(NEARNESS_SECONDS, deadline - wall)


def accepts(shape: Shape, gpu_class: str) -> bool:
    """Whether a job may go to a worker of that GPU class at all."""
    return "any" in shape.gpu_classes or gpu_class in shape.gpu_classes


def base_fits(shape: Shape, room: Room) -> bool:
    """Whether a room has the base that a job needs, or can load it because nothing there needs another."""
    return not shape.base or not room.is_bound or room.base == shape.base


def fits(shape: Shape, room: Room) -> bool:
    """Whether a room can take a job now."""
    return (
        room.free[shape.kind] > 0
        and not (room.is_saved and shape.base)
        and accepts(shape, room.gpu_class)
        and base_fits(shape, room)
    )


def best_room(shape: Shape, rooms: Iterable[Room]) -> Room | None:
    """The room that suits a job best, or None where none fits."""
    fitting = [room for room in rooms if fits(shape, room)]
    return min(fitting, key=lambda room: (_distance(shape.base, room.base), room.holds, room.worker), default=None)


def _distance(needed: str, resident: str) -> int:
    if not needed or needed == resident:
        return 0
    return 2 if resident else 1


def place(queue: Queue, rooms: list[Room], shares: Shares, at: Moment) -> list[Placed]:
    """Take jobs from the queue, in order, as long as rooms fit; at most PLACEMENTS_PER_CYCLE. Rooms and shares are charged.

    A shape for which no room fits is parked for the cycle: room only shrinks, so its other jobs need no try. Keys only grow
    while jobs are placed, so a key from the heap is looked at again before it is believed.
    """
    open_rooms = {kind: [room for room in rooms if room.free[kind] > 0] for kind in JobKind}
    resident = {room.base for room in rooms if any(room.free.values())} | {""}

    def turn_of(shape: Shape) -> Turn:
        share = shares.of(shape.project, at.steady)
        return turn(shape, queue.since(shape), share, shape.base in resident, at)

    order = [(turn_of(shape), number, shape) for number, shape in enumerate(queue.shapes()) if open_rooms[shape.kind]]
    heapq.heapify(order)
    placed: list[Placed] = []
    while order and len(placed) < PLACEMENTS_PER_CYCLE:
        key, number, shape = order[0]
        fresh = turn_of(shape)
        if fresh > key:
            heapq.heapreplace(order, (fresh, number, shape))
            continue
        room = best_room(shape, open_rooms[shape.kind])
        if room is None:
            _save_a_room(shape, open_rooms[shape.kind], at.steady - queue.since(shape))
            heapq.heappop(order)
            continue
        placed.append(Placed(queue.pop(shape), room.worker))
        room.take(shape)
        shares.begin(shape.project, at.steady)
        if not room.free[shape.kind]:
            open_rooms[shape.kind].remove(room)
        if not queue.count(shape):
            heapq.heappop(order)
    return placed


def _save_a_room(shape: Shape, rooms: list[Room], waited_seconds: float) -> None:
    """A base kept busy by a stream of work must not shut out another for ever: let the least loaded worker run empty."""
    if not shape.base or waited_seconds <= RESIDENCY_PATIENCE_SECONDS:
        return
    shut = [
        room for room in rooms if accepts(shape, room.gpu_class) and not room.is_saved and not base_fits(shape, room)
    ]
    if shut:
        min(shut, key=lambda room: (room.holds, room.worker)).is_saved = True


def why_waiting(shape: Shape, rooms: list[Room], ahead: int | None = None) -> str:
    """Why a job of a shape is not under way, the gravest reason first, in one sentence; `ahead`: how many jobs are before it."""
    if not rooms:
        return "No worker is there."
    accepting = [room for room in rooms if accepts(shape, room.gpu_class)]
    if not accepting:
        there = ", ".join(sorted({room.gpu_class for room in rooms}))
        return f"No worker has a GPU of class {' or '.join(shape.gpu_classes)}; those there are of class {there}."
    workers = (
        "The one worker that would do is" if len(accepting) == 1 else f"All {len(accepting)} workers that would do are"
    )
    if not any(room.holds or any(room.free.values()) for room in accepting):
        return f"{workers} still starting{_position(ahead)}."
    if not any(base_fits(shape, room) for room in accepting):
        return f"{workers} busy with another base model{_position(ahead)}."
    if not any(fits(shape, room) for room in accepting):
        return f"{workers} full{_position(ahead)}."
    return "A worker has room, and it is about to begin."


def _position(ahead: int | None) -> str:
    if ahead is None:
        return ""
    return {0: "; it is next", 1: ", and 1 job is ahead of it"}.get(ahead, f", and {ahead} jobs are ahead of it")
