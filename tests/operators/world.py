"""A small farm in one process: real SQLite, a real folder store, the real controller, scripted workers, a hand-set clock.

Every effect of the controller passes through `Fate`, which can end it there, as a power cut would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from cluster.folder_store import FolderStore
from cluster.local_manifests import LocalManifests
from cluster.ports import Change, OwnerReport, WantedSet
from jobs.errors import StoreUnavailable
from operators.act import Actor
from operators.controller import WATCHED
from operators.observe import Lookups, Observer
from operators.rounds import Place, Rounds, place_of
from tests import builders
from tests.builders import NOON, digest
from tests.operators.scripted import ScriptedDispatcher

Document = dict[str, Any]


class Killed(BaseException):
    """The controller's process ended here."""


@dataclass
class Fate:
    """Counts effects, and ends the controller after the one that was chosen."""

    kill_after: int = 0  # 0: never
    effects: int = 0

    def effect(self) -> None:
        self.effects += 1
        if self.effects == self.kill_after:
            raise Killed


@dataclass
class HandClock:
    """A clock that only tests move; seconds since 1970."""

    seconds: float = NOON

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.seconds


class MortalStore(FolderStore):
    """The folder store; the process may end after any write, and the store may be down."""

    fate = Fate()
    is_up = True

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self.fate.effect()

    def create(self, key: str, data: bytes) -> bool:
        made = super().create(key, data)
        self.fate.effect()
        return made

    def get(self, key: str) -> bytes:
        if not self.is_up:
            raise StoreUnavailable("The store does not answer.", hint="Look at its disk.")
        return super().get(key)


class MortalManifests(LocalManifests):
    """SQLite; the process may end after any status."""

    fate = Fate()

    async def set_status(self, kind: str, namespace: str, name: str, uid: str, status: Document) -> Document:
        written = await super().set_status(kind, namespace, name, uid, status)
        self.fate.effect()
        return written


class MortalDispatcher(ScriptedDispatcher):
    """Scripted workers; the process may end after any hand-over."""

    fate = Fate()

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        answer = await super().put_jobs(uid, wanted)
        self.fate.effect()
        return answer


class World:
    """A farm, and the controller's rounds over it."""

    def __init__(self, folder: Path, kill_after: int = 0) -> None:
        uids = (f"uid-{number}" for number in count(1))
        self.fate = Fate(kill_after)
        self.clock = HandClock()
        self.workers_store = FolderStore(folder / "store")
        self.store = MortalStore(folder / "store")
        self.documents = MortalManifests(
            folder / "farm.sqlite", poll_seconds=0.005, now=self.clock.now, new_uid=lambda: next(uids)
        )
        self.dispatcher = MortalDispatcher(self.workers_store)
        for mortal in (self.store, self.documents, self.dispatcher):
            mortal.fate = self.fate
        self.listing = digest("listing")
        self.bases = {"tiny": builders.listed("tiny")}
        self.restarts = 0
        self.rounds = self.new_controller()

    def new_controller(self) -> Rounds:
        """A controller that remembers nothing."""
        lookups = Lookups(base=self.bases.__getitem__, listing=lambda _: self.listing, now=self.clock.now)
        observer = Observer(self.documents, self.store, lookups, chunk=16)
        actor = Actor(self.documents, self.store, self.dispatcher, self.clock.now)
        self.rounds = Rounds(self.documents, observer, actor, self.clock)
        return self.rounds

    async def settle(self) -> None:
        """Rounds over every place, in order, until no round changes a fact."""
        for _ in range(50):
            await self.rounds.observer.words.compare(await self._reviews())  # as a relist does
            again = [await self.rounds.look(place) for place in await self._places()]
            if not any(again):
                return
        raise AssertionError("the controller never comes to rest")

    async def _reviews(self) -> list[Change]:
        changes = await self.documents.changes(0)
        return [one for one in changes if one.kind == "Review" and not one.deleted]

    async def live(self) -> None:
        """Controller and workers by turns until nothing moves; a killed controller is started again."""
        while True:
            try:
                await self.settle()
            except Killed:
                self.restarts += 1
                self.new_controller()
                continue
            if not self.dispatcher.turn():
                return

    async def status(self, kind: str, name: str) -> Document:
        """A manifest's status as people read it."""
        document = await self.documents.get(kind, "default", name)
        return dict(document["status"])

    async def account(self) -> Document:
        """All that there is in the end: records by key, and every manifest's spec and status."""
        keys = [key for key in self.workers_store.list("") if not key.startswith("cas/")]
        records = {key: json.loads(self.workers_store.get(key)) for key in keys}
        told = {kind: await self.documents.list(kind) for kind in ("BrandProject", "Campaign")}
        return {
            "records": {key: _without(body, "writeId") for key, body in records.items()},
            "manifests": [_without(one, "metadata") for kind in told.values() for one in kind],
        }

    def close(self) -> None:
        """Let go of the files."""
        self.documents.close()

    async def _places(self) -> list[Place]:
        """What the watch and the listing of a controller that just started would wake."""
        for change in await self.documents.changes(0):
            if change.kind in WATCHED:
                self.rounds.met(Place(change.kind, change.namespace, change.name), change.uid)
        there = [place_of(document) for kind in WATCHED for document in await self.documents.list(kind)]
        return list(dict.fromkeys([*there, *self.rounds.places()]))


def _without(body: Document, field: str) -> Document:
    return {key: value for key, value in body.items() if key != field}
