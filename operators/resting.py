"""Which manifests rest: nothing of them is wanted, written or awaited, and nothing that lists tell has changed since.

One that rests costs a relist nothing but a comparison. All are looked at in full now and then, those first that were looked at
longest ago: what no list tells (a bucket's files) is seen then. Pure: time is passed in as seconds that only grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from operators.places import Place

NEVER = float("-inf")

AT_REST = {
    "BrandProject": frozenset({"Ready", "AwaitingApproval"}),
    "Campaign": frozenset({"Complete", "Cancelled", "Ended", "Refused"}),
}
"""Phases in which a manifest may rest, by its kind."""


@dataclass(frozen=True)
class Rest:
    """On what a rest is founded: the manifest's uid and version, the base that it names and what that name meant."""

    uid: str
    version: int
    base: str = ""
    base_digest: str = ""
    looked: float = NEVER  # when it was looked at in full


class Resting:
    """The manifests that rest now."""

    def __init__(self) -> None:
        self._rests: dict[Place, Rest] = {}

    def settle(self, place: Place, rest: Rest) -> None:
        """A manifest has come to rest."""
        self._rests[place] = rest

    def stir(self, place: Place) -> None:
        """A manifest is looked at, or is gone."""
        self._rests.pop(place, None)

    def of(self, place: Place) -> Rest | None:
        """On what a manifest's rest is founded, None where it does not rest."""
        return self._rests.get(place)

    def uids(self) -> dict[str, Place]:
        """Every manifest that rests, by its uid."""
        return {rest.uid: place for place, rest in self._rests.items()}

    def bases(self) -> dict[str, list[tuple[Place, str]]]:
        """By the base that they name: what rests, and what the name meant."""
        found: dict[str, list[tuple[Place, str]]] = {}
        for place, rest in self._rests.items():
            if rest.base:
                found.setdefault(rest.base, []).append((place, rest.base_digest))
        return found

    def oldest(self, count: int) -> list[Place]:
        """Those that were looked at longest ago."""
        return nsmallest(count, self._rests, key=lambda place: self._rests[place].looked)

    def __len__(self) -> int:
        return len(self._rests)


def says_that_it_rests(document: dict[str, Any], words: Iterable[dict[str, Any]]) -> bool:
    """Whether a status, as a controller before us wrote it, says that nothing is to be done; words are the Reviews on it.

    It only decides what is looked at first: a word of the second in which the status last moved counts as unheard.
    """
    status, metadata = document.get("status", {}), document["metadata"]
    if status.get("phase") not in AT_REST[document["kind"]] or document["spec"].get("schedule"):
        return False
    if status.get("observedGeneration") != metadata["generation"]:
        return False
    conditions = status.get("conditions", [])
    if any(one["type"] == "Degraded" and one["status"] != "False" for one in conditions):
        return False
    moved = max((one["lastTransitionTime"] for one in conditions), default="")
    return all(word["metadata"]["creationTimestamp"] < moved for word in words)
