"""Nothing is ever withdrawn because something could not be read: whatever fails, whenever, no wanted set shrinks."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.folder_store import FolderStore
from cluster.ports import Change, OwnerReport, WantedSet
from jobs.errors import ApiServerUnavailable, DispatcherUnavailable, FarmError, StoreUnavailable
from operators.relist import Relist
from operators.unwatched import Unwatched
from tests import builders
from tests.operators.world import MortalDispatcher, MortalManifests, World

Document = dict[str, Any]


class Weather:
    """Which of the next questions fail."""

    def __init__(self) -> None:
        self.fails: Iterator[bool] = iter(())

    def strikes(self) -> bool:
        return next(self.fails, False)


class StormyStore(FolderStore):
    """A folder store that does not answer some questions."""

    weather = Weather()

    def _ask(self) -> None:
        if self.weather.strikes():
            raise StoreUnavailable("The store does not answer.")

    def get(self, key: str) -> bytes:
        self._ask()
        return super().get(key)

    def exists(self, key: str) -> bool:
        self._ask()
        return super().exists(key)

    def list(self, prefix: str) -> Iterator[str]:
        self._ask()
        return super().list(prefix)


class StormyManifests(MortalManifests):
    """Manifests whose keeper does not answer some questions."""

    weather = Weather()

    def _ask(self) -> None:
        if self.weather.strikes():
            raise ApiServerUnavailable("The API server does not answer.")

    async def list(self, kind: str, namespace: str | None = None) -> list[Document]:
        self._ask()
        return await super().list(kind, namespace)

    async def get(self, kind: str, namespace: str, name: str) -> Document:
        self._ask()
        return await super().get(kind, namespace, name)

    async def changes(self, after: int) -> list[Change]:  # type: ignore[valid-type]
        self._ask()
        return await super().changes(after)


class StormyDispatcher(MortalDispatcher):
    """A dispatcher that does not answer some questions, and whose answer is sometimes lost on the way."""

    weather = Weather()

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        if self.weather.strikes():
            raise DispatcherUnavailable("The dispatcher does not answer.")
        answer = await super().put_jobs(uid, wanted)
        if self.weather.strikes():
            raise DispatcherUnavailable("The answer was lost.")
        return answer


class StormyWorld(World):
    """The small farm, whose every read may fail."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.weather = Weather()
        self.store = StormyStore(folder / "store")  # type: ignore[assignment]
        self.documents.close()
        self.documents = StormyManifests(folder / "farm.sqlite", now=self.clock.now, new_uid=self.documents._new_uid)
        self.dispatcher = StormyDispatcher(self.workers_store)
        for stormy in (self.store, self.documents, self.dispatcher):
            stormy.weather = self.weather  # type: ignore[union-attr]
        self.new_controller()

    async def try_everything(self, restarts: bool) -> None:
        """What the loops would do: a relist, a look at every place, a search for what went unseen."""
        if restarts:
            self.new_controller()
        unwatched = Unwatched(self.documents, self.store, self.dispatcher, self.rounds._actor.charge)
        with suppress(FarmError):
            found = await Relist(self.documents, self.rounds, 1.0).look_round()
            for place in sorted(found.changed | found.routine, key=str):
                with suppress(FarmError):
                    await self.rounds.look(place)
        with suppress(FarmError):
            for lost in await unwatched.suspects():
                self.rounds.met(lost.place, lost.uid)
                await self.rounds.look(lost.place)


async def lived(steps: list[tuple[bool, list[bool]]], turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = StormyWorld(Path(folder))
        await world.documents.create(builders.project(gate={"approvals": 0}))
        await world.documents.create(builders.campaign())
        for _ in range(turns):
            await world.settle()
            world.dispatcher.turn()
        await world.settle()
        before = {uid: set(jobs) for uid, jobs in world.dispatcher.wanted.items()}
        for restarts, fails in steps:
            world.weather.fails = iter(fails)
            await world.try_everything(restarts)
            for uid, jobs in before.items():
                assert jobs <= set(world.dispatcher.wanted[uid]), "a wanted set shrank, and nothing was done or deleted"
        assert not list(world.workers_store.list("record/deleted/"))
        world.close()


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.lists(st.booleans(), max_size=30)), min_size=1, max_size=4),
    turns=st.integers(0, 9),
)
def test_no_wanted_set_shrinks_because_something_could_not_be_read(
    steps: list[tuple[bool, list[bool]]], turns: int
) -> None:
    with mock.patch.object(os, "fsync"):
        asyncio.run(lived(steps, turns))
