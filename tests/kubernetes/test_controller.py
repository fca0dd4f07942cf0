"""The controller's life over a real API server: what people do with kubectl, its successors, and the server's restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from cluster import uploads
from cluster.client import DispatcherClient
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.ports import WantedSet
from jobs import keys
from jobs.errors import LeadershipLost, StaleTerm
from operators import surroundings
from operators.controller import Pace
from operators.main import Process
from operators.settings import Settings
from tests import builders
from tests.operators.scripted import ScriptedDispatcher
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.anyio, pytest.mark.kube]

BRISK = Pace(settle=0.05, poll=0.5, away=0.1, doubt=0.5)
PATIENCE_SECONDS = 120.0
"""For one thing to come about; it takes seconds, on a busy machine more."""


class Farm:
    """A namespace of a real API server, a store in a folder and scripted workers; controllers come and go."""

    def __init__(self, api: KubeApi, namespace: str, folder: Path) -> None:
        self.api, self.namespace = api, namespace
        self.store = FolderStore(folder / "store")
        self.dispatcher = ScriptedDispatcher(self.store)
        pictures = folder / "pictures"
        pictures.mkdir()
        (pictures / "sock.png").write_bytes(b"no picture, but a file")
        self.source = uploads.write_upload(self.store, pictures)

    @asynccontextmanager
    async def controller(self, identity: str, lease: str = "controller") -> AsyncIterator[asyncio.Task[NoReturn]]:
        """A controller's process, while inside; its lease is given back at the end."""
        chosen = Settings(
            kubernetes=True,
            kubeconfig=self.api.kubeconfig,
            namespaces=self.namespace,
            lease_namespace=self.namespace,
            lease_name=lease,
            identity=identity,
        )
        async with AsyncExitStack() as opened:
            there = await opened.enter_async_context(surroundings.of(chosen))
            dispatcher = cast(DispatcherClient, self.dispatcher)
            process = Process(there, self.store, dispatcher, MachineClock(), chosen, BRISK)
            running = asyncio.create_task(process.run())
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

    async def reasons(self, name: str) -> set[str]:
        """What `kubectl describe` would list."""
        told = json.loads(await self.kubectl("get", "events", "-o", "json"))
        return {one["reason"] for one in told["items"] if one["involvedObject"]["name"] == name}


@pytest.fixture
def farm(farm_api: KubeApi, namespace: str, tmp_path: Path) -> Farm:
    return Farm(farm_api, namespace, tmp_path)


async def test_from_apply_to_a_complete_campaign_and_a_deletion_that_nobody_watched(farm: Farm) -> None:
    async with farm.controller("first"):
        await farm.apply_brand()
        await farm.apply(builders.campaign())
        await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
        await farm.apply(builders.review())
        brand = await farm.has_phase("brandproject", "stable-socks", "Ready")
        campaign = await farm.has_phase("campaign", "spring", "Complete")
        await farm.kubectl("wait", "--for=condition=Ready", "--timeout=5s", "brandproject/stable-socks")
    assert (brand["status"]["serving"], campaign["status"]["progress"]) == ("v1", "20/20")
    assert {"DatasetReady", "VersionDeclared", "Trained", "AwaitingApproval", "Serving"} <= await farm.reasons(
        "stable-socks"
    )
    assert {"CampaignStarted", "CampaignComplete"} <= await farm.reasons("spring")

    await farm.kubectl("delete", "brandproject/stable-socks", "campaign/spring")
    gone = [keys.deleted(one["metadata"]["uid"]) for one in (brand, campaign)]
    assert not any(farm.store.exists(key) for key in gone)
    async with farm.controller("second"):
        await farm.has_come_about(lambda: all(farm.store.exists(key) for key in gone))


async def test_another_takes_the_lead_and_the_one_before_it_is_not_heard_any_more(farm: Farm) -> None:
    await farm.apply_brand()
    async with farm.controller("first") as first:
        await farm.has_come_about(lambda: farm.dispatcher.newest_term > 0)
        term = farm.dispatcher.newest_term
        async with farm.controller("second"):
            released = {"spec": {"holderIdentity": None, "leaseDurationSeconds": 1}}
            await farm.kubectl("patch", "lease", "controller", "--type=merge", "-p", json.dumps(released))
            await farm.has_come_about(lambda: farm.dispatcher.newest_term > term or first.done())
            if not first.done():
                with pytest.raises(StaleTerm):
                    await farm.dispatcher.put_jobs("uid", WantedSet(lease=f"{farm.namespace}/controller", term=term))
            await asyncio.wait([first], timeout=PATIENCE_SECONDS)
            ended = first.exception()
            assert isinstance(ended, BaseExceptionGroup)
            assert ended.subgroup((LeadershipLost, StaleTerm)) is not None
            await farm.has_come_about(lambda: farm.dispatcher.newest_term > term)
            await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")


async def test_a_restart_of_the_api_server_costs_nothing_but_time(farm: Farm) -> None:
    await farm.apply_brand()
    async with farm.controller("alone", lease=""):
        await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
        await asyncio.to_thread(farm.api.stop_server)
        wanted = {uid: set(jobs) for uid, jobs in farm.dispatcher.wanted.items()}
        await asyncio.sleep(1.0)
        await asyncio.to_thread(farm.api.start_server)
        assert {uid: set(jobs) for uid, jobs in farm.dispatcher.wanted.items()} == wanted
        await farm.apply(builders.review())
        await farm.has_phase("brandproject", "stable-socks", "Ready")
