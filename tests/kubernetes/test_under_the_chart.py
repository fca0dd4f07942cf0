"""The controller's whole life under the chart's own ServiceAccount: it is refused nothing, and uses every right that it has."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cluster.cron import Cron
from cluster.kube.client import KubeClient
from cluster.kube.rights import Right, may
from jobs import keys, manifests
from jobs.manifests import crd, seconds_of_moment
from jobs.manifests.nights import night_name
from operators.settings import Settings
from tests import builders
from tests.helm.chart import CHOICES, FULLNAME, Document, containers, environment, only, pods, rendered
from tests.kubernetes.living import PATIENCE_SECONDS, Farm
from tests.tools import kube_audit
from tests.tools.kube import KubeApi, KubectlFailed, running

pytestmark = [pytest.mark.anyio, pytest.mark.kube]

ACCOUNT = f"{FULLNAME}-controller"
RIGHTS = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
STUDIO = "studio-a"
HOURLY = "0 * * * *"
ANEW = {"prompts": ["{trigger} at night"], "sizes": ["64x64"], "seeds": {"start": 1, "count": 1}}
"""What nobody has drawn before: a night that finds all its images there is complete at once."""

NIGHTS = {"cron": HOURLY, "window": "2h", "concurrency": "replace", "history": {"complete": 1, "failed": 0}}


class Clock:
    """The machine's clock, as many seconds ahead as the test says."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def now(self) -> float:
        return time.time() + self.ahead


@pytest.fixture(scope="module")
def chart_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    """An API server where nobody else is: a controller that watches all namespaces would care for all brands."""
    with running(tmp_path_factory.mktemp("chart")) as api:
        definitions = [only(rendered(*CHOICES["laptop"]), "CustomResourceDefinition", name) for name in _names()]
        api.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(definitions))
        api.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", *_names())
        for space in (STUDIO, "studio-b"):
            api.namespace(space)
        yield api


def _names() -> list[str]:
    return [str(definition["metadata"]["name"]) for definition in crd.all_crds()]


class Installed:
    """What the chart makes of a choice of values, as far as it concerns the controller's rights; the farm is in `home`."""

    def __init__(self, api: KubeApi, choice: str) -> None:
        self.api, self.home = api, api.namespace(f"farm-{secrets.token_hex(4)}")
        self.documents = rendered(*CHOICES[choice], "--namespace", self.home)
        account = only(
            [one for one in self.documents if one["kind"] == "ServiceAccount"], "ServiceAccount", "controller"
        )
        self.rules = [one for one in self.documents if one["kind"] in RIGHTS and ACCOUNT in one["metadata"]["name"]]
        api.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all([account, *self.rules]))
        self.kubeconfig = api.service_account(self.home, ACCOUNT)
        self._until_its_rights_are_read()

    def _until_its_rights_are_read(self) -> None:
        """The server reads what was applied a moment later; every choice gives rights in this namespace."""
        account, given_up = f"system:serviceaccount:{self.home}:{ACCOUNT}", time.monotonic() + PATIENCE_SECONDS
        asked = ("auth", "can-i", "list", "brandprojects.brandfarm.dev", "-n", "studio-b", "--as", account)
        while True:
            try:
                self.api.kubectl(*asked)
                return
            except KubectlFailed:  # the answer is no
                if time.monotonic() > given_up:
                    raise
            time.sleep(0.1)

    def settings(self) -> Settings:
        """What the controller's container is told, and how it reaches the API server from outside."""
        said = environment(containers(pods(self.documents)["controller"])["controller"])
        told = {key.removeprefix("BRANDFARM_").lower(): value for key, value in said.items()}
        names = ("kubernetes", "namespaces", "lease_namespace", "lease_name", "chunk")
        return Settings.model_validate({name: told[name] for name in names} | {"kubeconfig": self.kubeconfig})

    def granted(self) -> set[tuple[str, str]]:
        """Every right that the chart gives: verb and resource."""
        rules = [rule for one in self.rules for rule in one.get("rules", ())]
        return {right for rule in rules for right in _rights_of(rule)}

    def asked(self) -> list[kube_audit.Asked]:
        return kube_audit.asked_by(self.api.folder, self.home, ACCOUNT)

    def lease_was_read(self) -> bool:
        """Whether somebody has found the lease there: who makes it first, finds none."""
        return ("get", "leases.coordination.k8s.io", 200) in {
            (one.verb, one.resource, one.code) for one in self.asked()
        }

    def uninstall(self) -> None:
        """Only the rights go; the next test's controller is another."""
        self.api.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(self.rules))


def _rights_of(rule: Document) -> Iterator[tuple[str, str]]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield verb, f"{resource}.{group}"


MAY_NOT = (
    Right("get", "secrets"),
    Right("list", "configmaps"),
    Right("list", "pods"),
    Right("create", "pods"),
    Right("create", "pods/exec"),
    Right("create", "serviceaccounts/token"),
    Right("create", "rolebindings", "rbac.authorization.k8s.io"),
    Right("impersonate", "users"),
    Right("patch", "deployments", "apps"),
    Right("create", "rayclusters", "ray.io"),
    Right("delete", "customresourcedefinitions", "apiextensions.k8s.io"),
    Right("list", "events", "events.k8s.io"),
    Right("delete", "events", "events.k8s.io"),
    Right("create", "brandprojects", "brandfarm.dev"),
    Right("update", "brandprojects", "brandfarm.dev"),
    Right("patch", "brandprojects", "brandfarm.dev"),
    Right("delete", "brandprojects", "brandfarm.dev"),
    Right("deletecollection", "campaigns", "brandfarm.dev"),
    Right("create", "reviews", "brandfarm.dev"),
    Right("delete", "reviews", "brandfarm.dev"),
    Right("get", "leases", "coordination.k8s.io", name="kube-scheduler"),
    Right("delete", "leases", "coordination.k8s.io", name=ACCOUNT),
)
LOOKING = {("get", f"{plural}.brandfarm.dev") for plural in ("brandprojects", "reviews")}
"""Whoever may list may read one as well; only a lost race needs it."""


@pytest.fixture(params=["laptop", "two namespaces"])
def installed(chart_api: KubeApi, request: pytest.FixtureRequest) -> Iterator[Installed]:
    """The rights of one choice of values, for this test."""
    made = Installed(chart_api, request.param)
    yield made
    made.uninstall()


@pytest.fixture
def clock() -> Clock:
    """The controllers' own."""
    return Clock()


@pytest.fixture
def farm(installed: Installed, clock: Clock, tmp_path: Path) -> Iterator[Farm]:
    """A studio's namespace, and controllers as the chart's account."""
    yield Farm(installed.api, STUDIO, tmp_path, installed.settings(), clock)
    installed.api.kubectl("delete", "brandprojects,campaigns,reviews,events", "--all", "-n", STUDIO)


async def test_a_whole_life_needs_exactly_the_rights_that_the_chart_gives(
    installed: Installed, farm: Farm, clock: Clock
) -> None:
    async with farm.controller("first"):
        brand, campaign = await from_apply_to_ready_and_complete(farm)
        await the_version_serves_anew(farm, clock)
        await a_night_replaces_another(farm, clock)
        await farm.kubectl("delete", "campaign", "spring")
        await farm.has_come_about(lambda: farm.store.exists(keys.deleted(campaign["metadata"]["uid"])))
        term = farm.dispatcher.newest_term
    await farm.kubectl("delete", "brandproject", "stable-socks")
    async with farm.controller("second"):
        await farm.has_come_about(lambda: farm.store.exists(keys.deleted(brand["metadata"]["uid"])))
        assert farm.dispatcher.newest_term > term

    asked = installed.asked()
    assert [one for one in asked if one.code in (401, 403)] == []
    used = {(one.verb, one.resource) for one in asked}
    assert (used - installed.granted(), installed.granted() - used - LOOKING) == (set(), set())
    assert {one.namespace for one in asked if one.resource.startswith("leases")} == {installed.home}
    assert await allowed(installed, MAY_NOT, STUDIO) == []
    assert await allowed(installed, MAY_NOT, installed.home) == []


async def from_apply_to_ready_and_complete(farm: Farm) -> tuple[Document, Document]:
    """A brand and a campaign."""
    await farm.apply_brand()
    await farm.apply(builders.campaign())
    await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
    await farm.apply(builders.review())
    brand = await farm.has_phase("brandproject", "stable-socks", "Ready")
    return brand, await farm.has_phase("campaign", "spring", "Complete")


async def the_version_serves_anew(farm: Farm, clock: Clock) -> None:
    """A gate is raised and lowered again: more than a minute later the same befalls the brand, and its event is counted."""
    for approvals, phase in ((2, "AwaitingApproval"), (1, "Ready")):
        clock.ahead += 61
        gate = json.dumps({"spec": {"gate": {"approvals": approvals}}})
        await farm.kubectl("patch", "brandproject", "stable-socks", "--type=merge", "-p", gate)
        await farm.has_phase("brandproject", "stable-socks", phase)
    await farm.has_told("v1 serves.", times=2)


async def a_night_replaces_another(farm: Farm, clock: Clock) -> None:
    """Two nights of a schedule: the first is ended by the second before it drew anything, and forgotten."""
    await farm.apply(builders.campaign("nightly", shots=ANEW, schedule=NIGHTS))
    schedule = (await farm.get("campaign", "nightly"))["metadata"]
    due = Cron(HOURLY, "UTC").next(seconds_of_moment(schedule["creationTimestamp"]))
    assert due is not None
    first, second = (night_name("nightly", due + later) for later in (0, 3600))
    clock.ahead = max(clock.ahead, due + 5 - time.time())
    assert (await farm.exists("campaign", first))["metadata"]["ownerReferences"] == [
        {
            "apiVersion": manifests.API_VERSION,
            "kind": "Campaign",
            "name": "nightly",
            "uid": schedule["uid"],
            "controller": True,
        }
    ]
    await farm.counts_images("nightly")  # so the schedule has seen its first night
    clock.ahead += 3600
    await farm.exists("campaign", second)
    await farm.has_phase("campaign", second, "Complete")
    await farm.is_gone("campaign", first)


async def allowed(installed: Installed, rights: Iterable[Right], namespace: str) -> list[str]:
    """Those of the rights that the account has in a namespace."""
    async with KubeClient.of_kubeconfig(installed.kubeconfig) as client:
        return [str(right) for right in rights if await may(client, replace(right, namespace=namespace))]


async def test_a_farm_of_some_namespaces_sees_no_other(chart_api: KubeApi) -> None:
    installed = Installed(chart_api, "two namespaces")
    seen = Right("list", "brandprojects", "brandfarm.dev")
    assert [await allowed(installed, [seen], space) for space in (STUDIO, "default", installed.home)] == [
        [str(seen)],
        [],
        [],
    ]
    installed.uninstall()


@pytest.mark.parametrize("installed", ["laptop"], indirect=True)
async def test_a_standby_takes_over_from_one_that_vanishes_though_the_server_restarts_meanwhile(
    installed: Installed, farm: Farm
) -> None:
    """A server that has just started refuses everybody for a moment; whoever waits is not put off by that."""
    await farm.apply_brand()
    async with AsyncExitStack() as leading:
        await leading.enter_async_context(farm.controller("first"))
        await farm.has_phase("brandproject", "stable-socks", "AwaitingApproval")
        term = farm.dispatcher.newest_term
        async with farm.controller("second") as standby:
            await farm.has_come_about(installed.lease_was_read)
            await asyncio.to_thread(installed.api.stop_server)
            await leading.aclose()  # nobody hears that it gives the lease back
            await asyncio.to_thread(installed.api.start_server)
            await farm.apply(builders.review())
            await farm.has_come_about(lambda: farm.dispatcher.newest_term > term or standby.done())
            await farm.has_phase("brandproject", "stable-socks", "Ready")
            assert not standby.done()
