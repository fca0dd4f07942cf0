"""Who steps together next: projects of one shape, padded to 1, 2, 4 or 8. Pure; knows no tensors.

The padded size follows the projects that are there, not those that are at work, so it changes only as one joins or leaves:
bits depend on the size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (1, 2, 4, 8)
PATIENCE_ROUNDS = 4
"""A project that has waited this many rounds goes before the fullest bucket."""


@dataclass(frozen=True)
class Bucket:
    """What must agree for samples to share a UNet call: batch per project, shape of the latents, shape of the text."""

    batch: int
    latents: tuple[int, ...]
    text: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """A project in the bank: its slot, its bucket, the round it last stepped in, and whether it has steps left."""

    slot: int
    bucket: Bucket
    last_round: int
    is_waiting: bool


@dataclass(frozen=True)
class Company:
    """The slots that step together, in order, and the number of rows they are padded to."""

    slots: tuple[int, ...]
    rows: int
    bucket: Bucket


def choose(candidates: Sequence[Candidate], now: int) -> Company | None:
    """The company of round `now`: the bucket with most waiting, unless somebody elsewhere has waited long. None if nobody waits."""
    buckets: dict[Bucket, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        buckets[candidate.bucket].append(candidate)
    waiting = {bucket: _longest_first(members) for bucket, members in buckets.items()}
    eager = [members[0] for members in waiting.values() if members]
    if not eager:
        return None
    oldest = min(eager, key=_age)
    if now - oldest.last_round > PATIENCE_ROUNDS:
        chosen = oldest.bucket
    else:
        chosen = max(eager, key=lambda first: (len(waiting[first.bucket]), -first.last_round, -first.slot)).bucket
    seated = waiting[chosen][: SIZES[-1]]
    return Company(
        slots=tuple(sorted(candidate.slot for candidate in seated)),
        rows=padded(len(buckets[chosen])),
        bucket=chosen,
    )


def padded(count: int) -> int:
    """The smallest size that seats so many, or the largest there is."""
    return next((size for size in SIZES if size >= count), SIZES[-1])


def _longest_first(members: Sequence[Candidate]) -> list[Candidate]:
    return sorted((member for member in members if member.is_waiting), key=_age)


def _age(candidate: Candidate) -> tuple[int, int]:
    return candidate.last_round, candidate.slot
