"""The farm of a folder on this machine, as a person's terminal asks it. Starts and stops nothing.

Manifests and store can be read while no farm runs; what is written then waits for the next `brandfarm up`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cli.dispatcher_questions import DispatcherQuestions
from cli.farm import Document, Progress, require_kept
from cluster import stores, uploads
from cluster.client import DispatcherClient
from cluster.farm_home import Endpoint, FarmHome
from cluster.local_manifests import LocalManifests
from jobs.bases.catalogue import Catalogue
from jobs.errors import FarmDown
from jobs.ports import ObjectStore

Answer = TypeVar("Answer")

LEAST_FREE_BYTES = 2 * 10**9
"""With less, and under a twentieth of a small disk, a person is told."""


class LocalFarm(DispatcherQuestions):
    """A farm whose manifests are in SQLite and whose processes are on this machine."""

    def __init__(self, home: Path) -> None:
        self.home = FarmHome(home.expanduser().absolute())

    @property
    def place(self) -> str:
        """The farm's folder."""
        return str(self.home.root)

    @property
    def usual_namespace(self) -> None:
        """None: a name is searched in all of them."""
        return None

    @property
    def how_to_wake(self) -> str:
        """Which command starts it."""
        return "`brandfarm up` starts it."

    def person(self) -> None:
        """None: on one's own machine one's word is taken."""
        return

    def exists(self) -> bool:
        """Whether anything was ever handed to it."""
        return self.home.manifests.exists()

    def is_up(self) -> bool:
        """Whether the farm said that it is ready, and its supervisor lives."""
        try:
            return is_alive(self.home.endpoint())
        except FarmDown:
            return False

    def documents(self, kind: str, namespace: str | None = None) -> list[Document]:
        """All manifests of a kind; none where there never was a farm."""
        return self._ask(lambda kept: kept.list(kind, namespace)) if self.exists() else []

    def document(self, kind: str, namespace: str, name: str) -> Document:
        """One manifest. Raises NotFound, and FarmDown where there never was a farm."""
        require_kept(self)
        return self._ask(lambda kept: kept.get(kind, namespace, name))

    def create(self, document: Document) -> Document:
        """A new manifest. Raises Conflict where the name is taken."""
        self.home.prepare()
        return self._ask(lambda kept: kept.create(document))

    def replace(self, document: Document) -> Document:
        """A new spec. Raises NotFound, Conflict."""
        require_kept(self)
        return self._ask(lambda kept: kept.replace(document))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a manifest. Raises NotFound."""
        require_kept(self)
        self._ask(lambda kept: kept.delete(kind, namespace, name))

    def troubles(self) -> list[str]:
        """A disk that is almost full."""
        if not self.home.root.exists():
            return []
        disk = shutil.disk_usage(self.home.root)
        if disk.free > min(LEAST_FREE_BYTES, disk.total // 20):
            return []
        return [
            f"Only {disk.free / 1e9:.1f} GB are free on the disk of {self.place}: make room, or nothing more can be kept."
        ]

    def upload(self, folder: Path, progress: Progress | None = None) -> str:
        """Keeps a folder's files in the store; their address. Raises SourceUnreadable."""
        return uploads.write_upload(self.store, folder, progress)

    @cached_property
    def store(self) -> ObjectStore:
        """The farm's store, opened on first use."""
        self.home.prepare()
        return stores.open_of_home(self.home)

    def catalogue(self) -> Catalogue:
        """The shipped bases, and those of the store once that was opened."""
        return Catalogue(self.store if self.home.store_mark.exists() else None)

    @property
    def staging(self) -> Path:
        """A folder beside the store."""
        return self.home.root / "staging"

    def ask_dispatcher(self, question: Callable[[DispatcherClient], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to a question. Raises FarmDown where none runs, DispatcherUnavailable."""
        endpoint = self.home.endpoint()
        if not is_alive(endpoint):
            raise FarmDown(
                f"The farm in {self.place} died without a word (its supervisor was process {endpoint.pid}).",
                hint="`brandfarm up` starts it again where it stopped; nothing that was reported done is lost.",
            )
        return asyncio.run(_asked(endpoint, self.home.token(), question))

    def _ask(self, question: Callable[[LocalManifests], Coroutine[Any, Any, Answer]]) -> Answer:
        manifests = LocalManifests(self.home.manifests)
        try:
            return asyncio.run(question(manifests))
        finally:
            manifests.close()


def is_alive(endpoint: Endpoint) -> bool:
    """Whether the supervisor of an endpoint is a living process."""
    try:
        os.kill(endpoint.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _asked(
    endpoint: Endpoint, token: str, question: Callable[[DispatcherClient], Coroutine[Any, Any, Answer]]
) -> Answer:
    async with DispatcherClient(endpoint.dispatcher, token) as dispatcher:
        return await question(dispatcher)
