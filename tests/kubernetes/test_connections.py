"""What a client leaves behind, though the server has gone silent: no open connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psutil
import pytest

from cluster.kube import paths
from cluster.kube.client import KubeClient
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.anyio, pytest.mark.kube]


@pytest.fixture
def silent(farm_api: KubeApi) -> Iterator[KubeApi]:
    """A server that a test freezes."""
    yield farm_api
    farm_api.thaw_server()


def open_to(api: KubeApi) -> int:
    """How many connections of this process lead to a server."""
    return len([one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == api.port])


async def test_requests_that_were_broken_off_leave_no_connection_to_a_silent_server(silent: KubeApi) -> None:
    before = open_to(silent)
    async with KubeClient.of_kubeconfig(silent.kubeconfig) as client:
        path = paths.collection("BrandProject", "default")
        await asyncio.gather(*(client.get(path) for _ in range(3)))
        silent.freeze_server()
        asked = [asyncio.create_task(client.get(path)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for one in asked:
            one.cancel()
        await asyncio.wait(asked)
        assert open_to(silent) == before + 3
    assert open_to(silent) == before
