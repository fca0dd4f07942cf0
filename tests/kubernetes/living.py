"""A farm over a real API server for tests: a real controller, what people do with kubectl, and workers that are a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, cast

from cluster import uploads
from cluster.client import DispatcherClient
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.kube.client import KubeClient
from cluster.kube.events import EventRecorder
from jobs.ports import Clock
from operators import surroundings
from operators.controller import Pace
from operators.main import Process
from operators.recorders import aside
from operators.settings import Settings
from tests import builders
from tests.operators.scripted import ScriptedDispatcher
from tests.tools.kube import KubeApi, KubectlFailed

BRISK = Pace(settle=0.05, poll=0.5, away=0.1, doubt=0.5)
PATIENCE_SECONDS = 120.0
"""For one thing to come about; it takes seconds, on a busy machine more."""


class Farm:
    """A namespace of a real API server, a store in a folder and scripted workers; controllers come and go.

    They are as the settings say; `chosen.kubeconfig` says as whom they ask, and `clock` what time it is for them.
    """

    def __init__(
        self, api: KubeApi, namespace: str, folder: Path, chosen: Settings, clock: Clock | None = None
    ) -> None:
        self.api, self.namespace, self._chosen, self._clock = api, namespace, chosen, clock or MachineClock()
        self.store = FolderStore(folder / "store")
        self.dispatcher = ScriptedDispatcher(self.store)
        pictures = folder / "pictures"
        pictures.mkdir()
        (pictures / "sock.png").write_bytes(b"no picture, but a file")
        self.source = uploads.write_upload(self.store, pictures)

    @asynccontextmanager
    async def controller(self, identity: str, **changes: Any) -> AsyncIterator[asyncio.Task[NoReturn]]:
        """A controller's process, while inside; its lease is given back at the end. `changes` are other settings."""
        chosen = self._chosen.model_copy(update={"identity": identity, **changes})
        async with AsyncExitStack() as opened:
            there = await opened.enter_async_context(surroundings.of(chosen))
            client = await opened.enter_async_context(KubeClient.of_kubeconfig(chosen.kubeconfig))
            events = EventRecorder(client, self._clock, identity)
            there = replace(there, recorder=await opened.enter_async_context(aside(events)))
            dispatcher = cast(DispatcherClient, self.dispatcher)
            running = asyncio.create_task(Process(there, self.store, dispatcher, self._clock, chosen, BRISK).run())
            try:
                yield running
            finally:
                running.cancel()
                await asyncio.wait([running])

    async def kubectl(self, *arguments: str, document: dict[str, Any] | None = None) -> str:
        """What a person does; meanwhile the controllers go on."""
        text = json.dumps(document) if document else ""
        command = (arguments[0], "-n", self.namespace, *arguments[1:])
        return await asyncio.to_thread(self.api.kubectl, *command, input=text)

    async def apply(self, document: dict[str, Any]) -> None:
        document["metadata"]["namespace"] = self.namespace
        verb = "create" if "generateName" in document["metadata"] else "apply"
        await self.kubectl(verb, "-f", "-", document=document)

    async def apply_brand(self, **spec: Any) -> None:
        rights = {"owner": "Studio A", "basis": "owned"}
        await self.apply(builders.project(dataset={"source": self.source, "rights": rights}, **spec))

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        return dict(json.loads(await self.kubectl("get", kind, name, "-o", "json")))

    async def has_come_about(self, is_so: Callable[[], bool]) -> None:
        """Waits while workers go on with whatever they have."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self.dispatcher.turn()
                await asyncio.sleep(0.05)

    async def has_phase(self, kind: str, name: str, phase: str) -> dict[str, Any]:
        """The manifest once its status says so; workers go on meanwhile."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (document := await self.get(kind, name)).get("status", {}).get("phase") != phase:
                self.dispatcher.turn()
                await asyncio.sleep(0.1)
        return document

    async def exists(self, kind: str, name: str) -> dict[str, Any]:
        """The manifest once it is there; workers rest meanwhile."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with suppress(KubectlFailed):
                    return await self.get(kind, name)
                await asyncio.sleep(0.1)

    async def counts_images(self, campaign: str) -> None:
        """Returns once a campaign's status says how many images there are; workers rest meanwhile."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await self.get("campaign", campaign)).get("status", {}).get("progress"):
                await asyncio.sleep(0.1)

    async def is_gone(self, kind: str, name: str) -> None:
        """Returns once the manifest is there no more."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.kubectl("get", kind, name, "--ignore-not-found", "-o", "name"):
                await asyncio.sleep(0.1)

    async def has_told(self, note: str, times: int) -> None:
        """Returns once an event of these words was counted so often."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._counts(note) != [times]:
                await asyncio.sleep(0.1)

    async def _counts(self, note: str) -> list[int]:
        told = json.loads(await self.kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
        return [one.get("series", {}).get("count", 1) for one in told if one["note"] == note]

    async def has_reasons(self, name: str, wanted: set[str]) -> None:
        """Returns once `kubectl describe` would list all of these."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted <= await self._reasons(name):
                await asyncio.sleep(0.1)

    async def _reasons(self, name: str) -> set[str]:
        told = json.loads(await self.kubectl("get", "events", "-o", "json"))
        return {one["reason"] for one in told["items"] if one["involvedObject"]["name"] == name}
