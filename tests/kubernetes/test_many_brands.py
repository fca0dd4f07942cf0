"""Ten thousand brands at rest on a real API server: listed in pages, believed, and left alone; also past a page that is forgotten.

How long that takes is measured by `python -m tests.bench.controller_kube`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cluster.clocks import MachineClock
from cluster.documents import Document
from cluster.folder_store import FolderStore
from cluster.kube import paths
from cluster.kube.access import KubeconfigAccess
from cluster.kube.client import PAGE, KubeClient
from cluster.kube.manifests import KubeManifests
from cluster.ports import Change, Manifests
from operators.controller import Controller, Pace
from operators.relist import SMALL_FARM
from tests.bench import resting_farm
from tests.bench.resting_farm import CountedManifests, QuietDispatcher
from tests.tools import kube_audit, kube_bulk
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.kube, pytest.mark.anyio, pytest.mark.slow]

BRANDS = 10_000
READ_BEFORE = 3
"""Pages of the first list that are read before the server forgets it."""

LAGS_BEHIND = 504
"""What a server answers that has not yet read from etcd what stands there; it is asked anew, from the first page on."""

GONE = "brand-00070"
A_SHARE_NEVER = Pace(in_full=1e9)
"""Only what a small farm looks at in full is looked at now: those have their records, the others are their copies."""


class Interrupted(KubeClient):
    """A connection to a server that is restarted, and forgets, between two pages of the first list of brands."""

    def __init__(self, api: KubeApi, kubeconfig: Path, namespace: str) -> None:
        super().__init__(KubeconfigAccess(kubeconfig))
        self._api, self._namespace, self._is_over = api, namespace, False

    async def pages(self, path: str, limit: int = PAGE) -> AsyncGenerator[Document, None]:
        number = 0
        async for page in super().pages(path, limit):
            yield page
            number += 1
            if number == READ_BEFORE and path.endswith("brandprojects") and not self._is_over:
                self._is_over = True
                await asyncio.to_thread(self._befall)

    def _befall(self) -> None:
        self._api.kubectl("delete", "brandproject", GONE, "-n", self._namespace)
        self._api.stop_server()
        self._api.forget_history()
        self._api.start_server()


@pytest.fixture
def account(farm_api: KubeApi, namespace: str) -> Path:
    """A kubeconfig of an account that may do everything, whose requests the server writes down."""
    who = f"--serviceaccount={namespace}:default"
    farm_api.kubectl("create", "clusterrolebinding", namespace, "--clusterrole=cluster-admin", who)
    return farm_api.service_account(namespace, "default")


@pytest.fixture
async def store(farm_api: KubeApi, client: KubeClient, namespace: str, tmp_path: Path) -> AsyncIterator[FolderStore]:
    """The store of a full farm: as many brands as are looked at have their records, the others are copies of the last."""
    filled = FolderStore(tmp_path / "store")
    async with following(client, namespace) as documents:
        last = (await resting_farm.filled(documents, filled, SMALL_FARM + 1, namespace))[-1]["metadata"]["name"]
    document = await client.get(paths.one("BrandProject", namespace, last))
    names = (f"brand-{number:05d}" for number in range(SMALL_FARM + 1, BRANDS + 1))
    await asyncio.to_thread(kube_bulk.plant, farm_api, "brandprojects", kube_bulk.copies(document, names))
    yield filled
    await asyncio.to_thread(kube_bulk.uproot, farm_api, "brandprojects", namespace)


@asynccontextmanager
async def following(client: KubeClient, namespace: str) -> AsyncIterator[KubeManifests]:
    """Manifests that follow the server."""
    manifests = KubeManifests(client, [namespace])
    task = asyncio.create_task(manifests.run())
    try:
        yield manifests
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_first_list_that_is_forgotten_in_the_middle_costs_nobody_his_brand_and_writes_nothing(
    farm_api: KubeApi, account: Path, namespace: str, store: FolderStore
) -> None:
    async with Interrupted(farm_api, account, namespace) as client, following(client, namespace) as manifests:
        documents, dispatcher = CountedManifests(manifests), QuietDispatcher()
        told: list[Change] = []
        hearing = asyncio.create_task(hear(manifests, told))
        controller = Controller(
            documents, resting_farm.rounds_over(documents, store, dispatcher), dispatcher, MachineClock(), A_SHARE_NEVER
        )
        working = asyncio.create_task(controller.run())
        async with asyncio.timeout(240):
            while rounds(controller) < SMALL_FARM:
                await asyncio.sleep(0.1)
        for task in (hearing, working):
            task.cancel()
        await asyncio.wait([hearing, working])

    assert [change.name for change in told if change.deleted] == [GONE]
    assert len({change.uid for change in told}) == BRANDS + 1
    asked = kube_audit.asked_by(farm_api.folder, namespace, "default")
    assert {one.verb for one in asked} == {"list", "watch"}
    pages = [one for one in asked if one.resource == "brandprojects.brandfarm.dev" and f"limit={PAGE}" in one.more]
    codes = [one.code for one in pages if one.code != LAGS_BEHIND]
    assert codes[codes.index(410) - READ_BEFORE :] == [200] * READ_BEFORE + [410] + [200] * (BRANDS // PAGE)


async def hear(manifests: Manifests, told: list[Change]) -> None:
    """Everything that a watch tells, from the first page on."""
    async for change in manifests.watch(0):
        told.append(change)


def rounds(controller: Controller) -> float:
    """How many manifests were looked at, once none is waiting."""
    told = dict(line.rsplit(" ", 1) for line in controller.metrics().decode().splitlines() if not line.startswith("#"))
    if float(told["brandfarm_controller_queue_depth"]):
        return 0.0
    return float(told.get('brandfarm_controller_rounds_total{kind="BrandProject",result="ok"}', 0))
