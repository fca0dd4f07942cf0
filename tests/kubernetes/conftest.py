"""What the tests against a real API server share: the server with the farm's definitions, and namespaces nobody else has."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

import pytest

from cluster.kube.client import KubeClient
from jobs.manifests import crd
from tests.tools.kube import KubeApi, kube_api

__all__ = ["farm_api", "kube_api"]


@pytest.fixture(scope="session")
def farm_api(kube_api: KubeApi) -> KubeApi:
    """The API server, which knows the farm's three kinds."""
    definitions = {"apiVersion": "v1", "kind": "List", "items": list(crd.all_crds())}
    kube_api.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(definitions))
    names = [definition["metadata"]["name"] for definition in definitions["items"]]
    kube_api.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", *names)
    return kube_api


@pytest.fixture
def namespace(farm_api: KubeApi) -> str:
    """A namespace of this test alone."""
    return farm_api.namespace(f"studio-{secrets.token_hex(4)}")


@pytest.fixture
async def client(farm_api: KubeApi) -> AsyncIterator[KubeClient]:
    """An administrator's connection."""
    async with KubeClient.of_kubeconfig(farm_api.kubeconfig) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _events_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a test none may be dropped only because a machine is slow."""
    monkeypatch.setattr("cluster.kube.events.PATIENCE_SECONDS", 60.0)


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the farm runs on."""
    return "asyncio"
