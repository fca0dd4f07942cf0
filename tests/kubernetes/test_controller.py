"""The controller's life over a real API server: what people do with kubectl, its successors, and the server's restarts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cluster.ports import WantedSet
from jobs import keys
from jobs.errors import LeadershipLost, StaleTerm
from operators.settings import Settings
from tests import builders
from tests.kubernetes.living import PATIENCE_SECONDS, Farm
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.anyio, pytest.mark.kube]


@pytest.fixture
def farm(farm_api: KubeApi, namespace: str, tmp_path: Path) -> Farm:
    chosen = Settings(
        kubernetes=True,
        kubeconfig=farm_api.kubeconfig,
        namespaces=namespace,
        lease_namespace=namespace,
        lease_name="controller",
    )
    return Farm(farm_api, namespace, tmp_path, chosen)


async def test_from_apply_to_a_complete_campaign_and_a_deletion_that_nobody_watched(farm: Farm) -> None:
    async with farm.controller("first"):
        await farm.apply_brand()
        await farm.apply(builders.campaign())
        await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
        await farm.apply(builders.review())
        brand = await farm.has_phase("brandproject", "stable-socks", "Ready")
        campaign = await farm.has_phase("campaign", "spring", "Complete")
        await farm.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "brandproject/stable-socks")
        told = {"Accepted", "IntakeQueued", "DatasetReady", "VersionDeclared", "Trained", "AwaitingApproval", "Serving"}
        await farm.has_reasons("stable-socks", told)
        await farm.has_reasons("spring", {"CampaignStarted", "CampaignComplete"})
    assert (brand["status"]["serving"], campaign["status"]["progress"]) == ("v1", "20/20")

    await farm.kubectl("delete", "brandproject/stable-socks", "campaign/spring")
    gone = [keys.deleted(one["metadata"]["uid"]) for one in (brand, campaign)]
    assert not any(farm.store.exists(key) for key in gone)
    async with farm.controller("second"):
        await farm.has_come_about(lambda: all(farm.store.exists(key) for key in gone))


async def test_brands_deleted_all_together_keep_their_work_until_a_person_confirms(farm: Farm) -> None:
    """Their deletions are watched one by one, so the first ten are withdrawn before anybody knows that all will go."""
    dataset = {"source": farm.source, "rights": {"owner": "Studio A", "basis": "owned"}}
    for number in range(14):
        await farm.apply(builders.project(f"brand-{number}", dataset=dataset))
    wanted = farm.dispatcher.wanted
    async with farm.controller("first"), asyncio.timeout(PATIENCE_SECONDS):
        while sum(map(bool, wanted.values())) < 14:
            await asyncio.sleep(0.05)
        await farm.kubectl("delete", "brandprojects", "--all")
        await farm.apply(builders.project("newcomer", dataset=dataset))
        while len(wanted) < 15:  # what came after the deletions was looked at
            await asyncio.sleep(0.05)
        assert sum(map(bool, wanted.values())) >= 1 + 4
    async with farm.controller("second", hold_seconds=0.0), asyncio.timeout(PATIENCE_SECONDS):
        while sum(map(bool, wanted.values())) > 1:
            await asyncio.sleep(0.05)


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
    async with farm.controller("alone", lease_name=""):
        await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
        await asyncio.to_thread(farm.api.stop_server)
        wanted = {uid: set(jobs) for uid, jobs in farm.dispatcher.wanted.items()}
        await asyncio.sleep(1.0)
        await asyncio.to_thread(farm.api.start_server)
        assert {uid: set(jobs) for uid, jobs in farm.dispatcher.wanted.items()} == wanted
        await farm.apply(builders.review())
        await farm.has_phase("brandproject", "stable-socks", "Ready")
