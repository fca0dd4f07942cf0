"""Finds what was deleted while nobody watched: whom the dispatcher or the store knows of this home, and no list shows.

Nothing is concluded from what could not be read, of namespaces that are not watched, or of another home's manifests. Who is
missing must be missing in two lists that lie a while apart: a list may be a little behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cluster.ports import Manifests, Origin, Owners
from jobs import keys, publish
from jobs.ports import ObjectStore
from operators.act import Charge
from operators.places import Place
from operators.relist import WATCHED


class Register(Protocol):
    """Who knows who wants something. Raises DispatcherUnavailable, StaleTerm."""

    async def owners(self, lease: str = "", term: int = 0) -> Owners:
        """Everyone who wants something, asked as the controller that leads by a lease."""


@dataclass(frozen=True)
class Lost:
    """A manifest that somebody knows and that is nowhere: its uid, and where it stood."""

    uid: str
    place: Place


class Unwatched:
    """Looks for manifests that went unseen. Every call may raise what its parts raise; then nobody is missing."""

    def __init__(
        self,
        documents: Manifests,
        store: ObjectStore,
        register: Register,
        charge: Charge,
        is_watched: Callable[[str], bool] = lambda namespace: True,
    ) -> None:
        self._documents, self._store, self._register = documents, store, register
        self._charge, self._is_watched = charge, is_watched
        self._not_ours: set[str] = set()  # uids whose records say so, which never changes

    async def suspects(self) -> tuple[Lost, ...]:
        """Whom somebody knows and a list that was made afterwards does not show."""
        told = await self._register.owners(self._charge.lease, self._charge.term)
        known = {one.uid: one.origin for one in told.owners}
        if self._charge.home:
            known |= await asyncio.to_thread(self._in_store, await self._alive())
        ours = [Lost(uid, _place(origin)) for uid, origin in known.items() if self._is_ours(origin)]
        return await self.still_lost(ours)

    async def still_lost(self, lost: Iterable[Lost]) -> tuple[Lost, ...]:
        """Those of them whom a list of now does not show."""
        alive = await self._alive()
        return tuple(one for one in lost if one.uid not in alive)

    async def _alive(self) -> set[str]:
        return {one.uid for one in await self._documents.changes(0) if not one.deleted}

    def _is_ours(self, origin: Origin) -> bool:
        is_told = origin.kind in WATCHED and bool(origin.name)
        return is_told and origin.home == self._charge.home and self._is_watched(origin.namespace)

    def _in_store(self, alive: set[str]) -> dict[str, Origin]:
        """The origins of all whose records stand, who are not alive, and whose deletion is not written down; of another home's, none.

        Listings tell who they are; a record is read only of one that may be missing.
        """
        gone = {key.rsplit("/", 1)[1] for key in self._store.list(keys.DELETED)}
        first = {key.split("/")[2]: key for prefix in _PREFIXES for key in self._store.list(prefix)}
        settled = gone | self._not_ours | alive
        unknown = {uid: key for uid, key in first.items() if uid not in settled}
        found = {uid: self._origin(key) for uid, key in unknown.items()}
        self._not_ours |= {uid for uid, origin in found.items() if origin.home != self._charge.home}
        return found

    def _origin(self, key: str) -> Origin:
        body = publish.read(self._store, key) or {}
        return Origin.model_validate(body.get("origin") or {})


_PREFIXES = (keys.VERSIONS, keys.CAMPAIGNS)


def _place(origin: Origin) -> Place:
    return Place(origin.kind, origin.namespace, origin.name)
