"""Who steps together next: projects of one shape, padded to 1, 2, 4 or 8. Pure; knows no tensors.

More projects are resident than can sit at once, so that a company is full; those who came first sit, and the next take the
seats of those who are done. So the first are ready early, where taking turns would have all end together.
The padded size follows the projects that are there, not those that are at work, so it changes only as one joins or leaves:
bits depend on the size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (1, 2, 4, 8)
PATIENCE_ROUNDS = 4
"""A bucket whose company has waited this many rounds goes before the fullest one."""


@dataclass(frozen=True)
class Bucket:
    """What must agree for samples to share a UNet call: batch per project, shape of the latents, shape of the text."""

    batch: int
    latents: tuple[int, ...]
    text: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """A project in the bank: its slot, its bucket, its place in the order of joining, the round it last stepped in, and
    whether it has steps left."""

    slot: int
    bucket: Bucket
    joined: int
    last_round: int
    is_waiting: bool


@dataclass(frozen=True)
class Company:
    """The slots that step together, in order, and the number of rows they are padded to."""

    slots: tuple[int, ...]
    rows: int
    bucket: Bucket


def choose(candidates: Sequence[Candidate], now: int, seats: int = SIZES[-1]) -> Company | None:
    """The company of round `now`, of at most `seats`: that of the fullest bucket, unless another has waited long.

    None if nobody waits.
    """
    buckets: dict[Bucket, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        buckets[candidate.bucket].append(candidate)
    companies = {bucket: seated for bucket, members in buckets.items() if (seated := _seated(members, seats))}
    if not companies:
        return None
    eldest = min(companies.values(), key=_age)
    fullest = min(companies.values(), key=lambda seated: (-len(seated), _age(seated)))
    chosen = eldest if now - _age(eldest)[0] > PATIENCE_ROUNDS else fullest
    bucket = chosen[0].bucket
    slots = tuple(sorted(candidate.slot for candidate in chosen))
    return Company(slots, rows=min(padded(len(buckets[bucket])), padded(seats)), bucket=bucket)


def padded(count: int) -> int:
    """The smallest size that seats so many, or the largest there is."""
    return next((size for size in SIZES if size >= count), SIZES[-1])


def _seated(members: Sequence[Candidate], seats: int) -> list[Candidate]:
    waiting = sorted((member for member in members if member.is_waiting), key=lambda member: member.joined)
    return waiting[:seats]


def _age(seated: Sequence[Candidate]) -> tuple[int, int]:
    """The round since which somebody of a company waits; who joins it later makes it no younger."""
    return min(member.last_round for member in seated), seated[0].joined
