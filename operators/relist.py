"""What a relist finds: which manifests changed unheard, which are to be looked at as a matter of course. Looks at none itself.

Ten thousand that rest cost one list of versions; each is looked at in full every few minutes all the same, a share each time.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import structlog

from cluster.ports import Change, Manifests
from jobs.errors import FarmError, NotFound
from operators.places import Place
from operators.resting import says_that_it_rests
from operators.rounds import Rounds

WATCHED = ("BrandProject", "Campaign")

SMALL_FARM = 50
"""So many manifests are looked at in full at every relist: on a laptop, all."""

log = structlog.get_logger("controller")


@dataclass(frozen=True)
class Found:
    """The places where something changed, and those whose turn it is."""

    changed: frozenset[Place]
    routine: frozenset[Place]


class Relist:
    """Compares what there is with what was looked at. `share`: which part of all that rest is looked at each time."""

    def __init__(self, documents: Manifests, rounds: Rounds, share: float) -> None:
        self._documents, self._rounds, self._share = documents, rounds, share
        self._reruns: dict[str, int] = {}
        self._is_first = True

    async def look_round(self) -> Found:
        """One relist. Raises what the manifests raise; then nothing is concluded."""
        changes = await self._documents.changes(0)
        words = await self._rounds.observer.words.compare(one for one in _alive(changes) if one.kind == "Review")
        there = {Place(one.kind, one.namespace, one.name): one for one in _alive(changes) if one.kind in WATCHED}
        if self._is_first:
            await self._presume(list(there))
            self._is_first = False
        resting = self._rounds.resting
        restless = {place for place in there if resting.of(place) is None}
        changed = {place for place, one in there.items() if self._is_other(place, one)}
        gone = {place for place in self._rounds.places() if place not in there}
        for place in gone:
            self._rounds.missed_all(place)
        turn = resting.oldest(max(SMALL_FARM, math.ceil(self._share * len(resting))))
        elsewhere = await self._moved_elsewhere()
        return Found(
            changed=frozenset(changed | (words & there.keys()) | (elsewhere & there.keys())),
            routine=frozenset(restless | gone | set(turn)),
        )

    def _is_other(self, place: Place, change: Change) -> bool:
        rest = self._rounds.resting.of(place)
        return rest is not None and (rest.uid, rest.version) != (change.uid, change.resource_version)

    async def _presume(self, places: list[Place]) -> None:
        """A controller that has just started believes those who say that they rest, until it is their turn."""
        for place in places:
            if self._rounds.resting.of(place) is not None:
                continue
            try:
                document = await self._documents.get(place.kind, place.namespace, place.name)
            except NotFound:
                continue
            words = await self._rounds.observer.words.on(place) if place.kind == "BrandProject" else []
            if says_that_it_rests(document, words):
                self._rounds.presume_rest(document)

    async def _moved_elsewhere(self) -> set[Place]:
        """Whom another meaning of its base, or a person's word in the store, concerns; nobody, while that cannot be read."""
        try:
            return await asyncio.to_thread(self._reran) | await asyncio.to_thread(self._rebased)
        except FarmError as unread:
            log.warning("store was not compared", reason=unread.reason, error=unread.message)
            return set()

    def _reran(self) -> set[Place]:
        counts = self._rounds.observer.rerun_counts()
        before, self._reruns = self._reruns, counts
        places = self._rounds.resting.uids()
        return {places[uid] for uid, count in counts.items() if count != before.get(uid) and uid in places}

    def _rebased(self) -> set[Place]:
        found: set[Place] = set()
        for base, resting in self._rounds.resting.bases().items():
            digest = self._rounds.observer.base_digest(base)
            found |= {place for place, meant in resting if meant != digest}
        return found


def _alive(changes: list[Change]) -> list[Change]:
    return [one for one in changes if not one.deleted]
