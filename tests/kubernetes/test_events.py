"""Events of manifests on a real API server: told once, counted after that, never too many, and never in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cluster.kube import paths
from cluster.kube.client import KubeClient
from cluster.kube.events import BURST, EventRecorder
from tests import builders
from tests.kubernetes.proxy import in_front_of
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.kube, pytest.mark.anyio]


class OwnTime:
    """A clock that stands."""

    passed = 1000.0

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> float:
        return builders.NOON + self.passed


@pytest.fixture
def time() -> OwnTime:
    """The tests' own."""
    return OwnTime()


@pytest.fixture
async def project(client: KubeClient, namespace: str) -> dict[str, Any]:
    """A BrandProject that is there."""
    return await client.create(paths.collection("BrandProject", namespace), builders.project("socks", namespace))


async def events(client: KubeClient, namespace: str) -> list[dict[str, Any]]:
    """What was told in a namespace."""
    found = (await client.get(paths.events(namespace)))["items"]
    return sorted(found, key=lambda event: str(event["note"]))


async def test_an_event_says_what_befell_which_manifest_and_describe_shows_it(
    farm_api: KubeApi, client: KubeClient, namespace: str, project: dict[str, Any], time: OwnTime
) -> None:
    recorder = EventRecorder(client, time, "controller-0")
    await recorder.tell(project, "Normal", "Trained", "Version v1 was trained on 32 pictures in 61 s.")
    (event,) = await events(client, namespace)
    assert (event["type"], event["reason"], event["reportingInstance"]) == ("Normal", "Trained", "controller-0")
    assert event["regarding"]["uid"] == project["metadata"]["uid"]
    described = await asyncio.to_thread(farm_api.kubectl, "describe", "brandproject", "socks", "-n", namespace)
    assert "Version v1 was trained on 32 pictures in 61 s." in described


async def test_the_same_again_is_counted_and_written_once_a_minute(
    client: KubeClient, namespace: str, project: dict[str, Any], time: OwnTime
) -> None:
    recorder = EventRecorder(client, time, "controller-0")
    for seconds in (0, 1, 1, 60, 1):
        time.passed += seconds
        await recorder.tell(project, "Warning", "StoreUnavailable", "The store does not answer.")
    (event,) = await events(client, namespace)
    assert event["series"]["count"] == 4
    await client.delete(f"{paths.events(namespace)}/{event['metadata']['name']}")
    time.passed += 60
    await recorder.tell(project, "Warning", "StoreUnavailable", "The store does not answer.")
    (again,) = await events(client, namespace)
    assert (again["metadata"]["name"] != event["metadata"]["name"], "series" in again) == (True, False)


async def test_a_flood_is_cut_off_for_one_manifest_and_not_for_others(
    client: KubeClient, namespace: str, project: dict[str, Any], time: OwnTime
) -> None:
    recorder = EventRecorder(client, time, "controller-0")
    for number in range(BURST + 5):
        await recorder.tell(project, "Normal", "Progress", f"Step {number:02}")
    other = await client.create(paths.collection("Campaign", namespace), builders.campaign("spring", namespace))
    await recorder.tell(other, "Normal", "Begun", "One night")
    time.passed += 60
    await recorder.tell(project, "Normal", "Progress", "Step 99")
    notes = [event["note"] for event in await events(client, namespace)]
    assert notes == ["One night", *(f"Step {number:02}" for number in range(BURST)), "Step 99"]


async def test_long_words_are_cut_and_no_failure_reaches_who_tells(
    farm_api: KubeApi, client: KubeClient, namespace: str, project: dict[str, Any], time: OwnTime
) -> None:
    async with in_front_of(farm_api) as (proxy, way), KubeClient(way) as shaky:
        recorder = EventRecorder(shaky, time, "")
        proxy.is_deaf = True
        await recorder.tell(project, "Warning", "Lost", "Ä" * 600)
        proxy.is_deaf = False
        await recorder.tell(project, "Warning", "Lost", "Ä" * 600)
    assert [event["note"] for event in await events(client, namespace)] == ["Ä" * 512]
