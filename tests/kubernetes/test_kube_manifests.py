"""Manifests in a real API server keep the contract, through whatever befalls the connection and the server."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from cluster.kube import paths
from cluster.kube.client import KubeClient
from cluster.kube.manifests import KubeManifests
from cluster.kube.mirror import Mirror
from cluster.kube.reflector import Patience, Reflector
from cluster.ports import Change
from jobs.errors import ApiServerUnavailable, Forbidden, ManifestInvalid, NotFound, Unauthorized
from tests import builders
from tests.contract.manifests import ManifestsContract, next_of, told
from tests.kubernetes.proxy import Door, Proxy, in_front_of, refusal
from tests.tools.kube import KubeApi

pytestmark = [pytest.mark.kube, pytest.mark.anyio]

HASTY = Patience(silence=1.0, stream=300, first_rest=0.05, longest_rest=0.5)


@asynccontextmanager
async def at_work(client: KubeClient, *namespaces: str) -> AsyncIterator[KubeManifests]:
    """Manifests that follow the server."""
    manifests = KubeManifests(client, namespaces, patience=HASTY)
    following = asyncio.create_task(manifests.run())
    try:
        yield manifests
    finally:
        following.cancel()
        await asyncio.wait([following])


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Looks again and again, for half a minute."""
    async with asyncio.timeout(90):
        while not await is_so():
            await asyncio.sleep(0.02)


async def until_listed(proxy: Proxy, requests: int) -> None:
    """Until so many requests were made that are no watches."""

    async def is_so() -> bool:
        return proxy.asked["GET"] >= requests

    await until(is_so)


class TestManifestsInAnApiServer(ManifestsContract):
    """The contract that every keeper of manifests keeps to."""

    @pytest.fixture
    def namespace(self, farm_api: KubeApi) -> str:
        return farm_api.namespace(f"studio-{secrets.token_hex(4)}")

    @pytest.fixture
    async def manifests(self, client: KubeClient) -> AsyncIterator[KubeManifests]:
        async with at_work(client) as opened:
            yield opened


class TestManifestsInSomeNamespaces(TestManifestsInAnApiServer):
    """The same where only some namespaces are followed."""

    @pytest.fixture
    async def manifests(self, client: KubeClient, namespace: str) -> AsyncIterator[KubeManifests]:
        async with at_work(client, namespace, "default") as opened:
            yield opened


@pytest.fixture
async def door(farm_api: KubeApi) -> AsyncIterator[tuple[Proxy, Door]]:
    """A spoiling proxy before the server."""
    async with in_front_of(farm_api) as opened:
        yield opened


async def test_what_others_do_while_the_watch_is_cut_is_seen(
    door: tuple[Proxy, Door], client: KubeClient, namespace: str
) -> None:
    proxy, way = door
    collection = paths.collection("BrandProject", namespace)
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        await manifests.create(builders.project("mug", namespace))
        async with aclosing(told(manifests, namespace)) as watch:
            assert (await next_of(watch))[1] == "mug"
            for number in range(3):
                proxy.cut()
                await client.create(collection, builders.project(f"socks-{number}", namespace))
                assert (await next_of(watch))[1] == f"socks-{number}"
            proxy.half_lines = 1
            await client.delete(f"{collection}/mug")
            assert (await next_of(watch))[1:4:2] == ("mug", True)
            assert [name for _, name in await manifests.names("BrandProject")] == ["socks-0", "socks-1", "socks-2"]


async def test_a_silent_stream_is_dropped(door: tuple[Proxy, Door], client: KubeClient, namespace: str) -> None:
    proxy, way = door
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        await manifests.list("BrandProject")
        proxy.is_silent = True
        await client.create(paths.collection("BrandProject", namespace), builders.project("socks", namespace))
        watches = proxy.asked["WATCH"]
        async with asyncio.timeout(90):
            while proxy.asked["WATCH"] < watches + 3:
                await asyncio.sleep(0.02)
        proxy.is_silent = False
        async with aclosing(told(manifests, namespace)) as watch:
            assert (await next_of(watch))[1] == "socks"


async def test_a_forgotten_version_is_listed_anew_and_what_was_deleted_meanwhile_is_told(
    farm_api: KubeApi, door: tuple[Proxy, Door], client: KubeClient, namespace: str
) -> None:
    """Both the HTTP status and the event: which of them comes is the server's choice, and either ends in a new list."""
    proxy, way = door
    collection = paths.collection("BrandProject", namespace)
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        for name in ("mug", "tea"):
            await manifests.create(builders.project(name, namespace))
        async with aclosing(told(manifests, namespace)) as watch:
            assert {(await next_of(watch))[1], (await next_of(watch))[1]} == {"mug", "tea"}
            proxy.is_deaf = True
            proxy.cut()
            await client.delete(f"{collection}/mug")
            await client.create(collection, builders.project("socks", namespace))
            await asyncio.to_thread(farm_api.stop_server)
            await asyncio.to_thread(farm_api.forget_history)
            await asyncio.to_thread(farm_api.start_server)
            assert [name for _, name in await manifests.names("BrandProject")] == ["mug", "tea"]
            lists = proxy.asked["GET"]
            proxy.is_deaf = False
            heard = {(await next_of(watch))[1:4:2], (await next_of(watch))[1:4:2]}
            assert heard == {("mug", True), ("socks", False)}
            assert proxy.asked["GET"] > lists
        assert [name for _, name in await manifests.names("BrandProject")] == ["socks", "tea"]


@pytest.mark.parametrize("form", ["status", "event"])
async def test_a_watch_that_is_told_of_a_forgotten_version_in_either_form_lists_anew(
    door: tuple[Proxy, Door], client: KubeClient, namespace: str, form: str
) -> None:
    proxy, way = door
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        await manifests.create(builders.project("mug", namespace))
        async with aclosing(told(manifests, namespace)) as watch:
            await next_of(watch)
            lists = proxy.asked["GET"]
            proxy.forgettings = [form] * 3
            proxy.cut()
            await client.delete(paths.one("BrandProject", namespace, "mug"))
            assert (await next_of(watch))[1:4:2] == ("mug", True)
            await until_listed(proxy, lists + 3)
        assert await manifests.list("BrandProject") == []


async def test_a_list_forgotten_between_two_pages_begins_again(
    farm_api: KubeApi, door: tuple[Proxy, Door], client: KubeClient, namespace: str
) -> None:
    proxy, way = door
    for number in range(3):
        await client.create(paths.collection("Campaign", namespace), builders.campaign(f"night-{number}", namespace))
    proxy.refusals = [refusal(410, "Expired") for _ in range(2)]
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        assert len(await manifests.list("Campaign")) == 3
        assert proxy.refusals == []
        pages = shaky.pages(paths.collection("Campaign", namespace), limit=1)
        assert [len(page["items"]) async for page in pages] == [1, 1, 1]


async def test_a_restarted_server_is_followed_again(farm_api: KubeApi, client: KubeClient, namespace: str) -> None:
    async with at_work(client, namespace) as manifests:
        await manifests.create(builders.project("mug", namespace))
        await manifests.names("BrandProject")  # a mirror that was never filled would wait for the server
        await asyncio.to_thread(farm_api.stop_server)
        with pytest.raises(ApiServerUnavailable, match="create brandprojects in namespace"):
            await manifests.create(builders.project("socks", namespace))
        assert [name for _, name in await manifests.names("BrandProject")] == ["mug"]
        await asyncio.to_thread(farm_api.start_server)
        project = builders.project("socks", namespace)
        await asyncio.to_thread(farm_api.kubectl, "apply", "-f", "-", input=json.dumps(project))

        async def is_seen() -> bool:
            return (namespace, "socks") in await manifests.names("BrandProject")

        await until(is_seen)


async def test_a_server_that_came_back_from_a_backup_is_believed_over_what_is_remembered(
    farm_api: KubeApi, client: KubeClient, namespace: str
) -> None:
    collection = paths.collection("BrandProject", namespace)
    mug, tea = [await client.create(collection, builders.project(name, namespace)) for name in ("mug", "tea")]
    backup = await asyncio.to_thread(farm_api.back_up)
    async with at_work(client, namespace) as manifests, aclosing(told(manifests, namespace)) as watch:
        assert {(await next_of(watch))[1], (await next_of(watch))[1]} == {"mug", "tea"}
        await manifests.set_status("BrandProject", namespace, "mug", mug["metadata"]["uid"], {"phase": "Ready"})
        assert (await next_of(watch))[1] == "mug"
        await manifests.create(builders.project("socks", namespace))
        assert (await next_of(watch))[1] == "socks"
        await manifests.delete("BrandProject", namespace, "tea")
        assert (await next_of(watch))[1:4:2] == ("tea", True)
        await asyncio.to_thread(farm_api.come_back_from, backup)
        heard = {(await next_of(watch))[1:4:2] for _ in range(3)}
        assert heard == {("mug", False), ("socks", True), ("tea", False)}
        found = [one["metadata"] for one in await manifests.list("BrandProject")]
        assert [(one["uid"], one["resourceVersion"]) for one in found] == [
            (one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in (mug, tea)
        ]
        await client.create(collection, builders.project("wool", namespace))
        assert (await next_of(watch))[1] == "wool"


async def test_a_frozen_server_costs_time_and_nothing_else(
    farm_api: KubeApi, client: KubeClient, namespace: str
) -> None:
    """A write without an answer may have been done or not; the mirror learns which."""
    async with at_work(client, namespace) as manifests:
        kept = await manifests.create(builders.project("mug", namespace))
        assert await manifests.list("BrandProject") == [
            kept
        ]  # a mirror that was never filled would wait for the server
        await asyncio.to_thread(farm_api.freeze_server)
        try:
            uid = kept["metadata"]["uid"]
            status = {"phase": "Ready"}
            writing = asyncio.create_task(manifests.set_status("BrandProject", namespace, "mug", uid, status))
            await asyncio.sleep(1.5)  # longer than a watch may be silent
            async with asyncio.timeout(90):
                assert await manifests.get("BrandProject", namespace, "mug") == kept
        finally:
            await asyncio.to_thread(farm_api.thaw_server)
        written = await writing
        assert written["status"]["phase"] == "Ready"
        assert await manifests.get("BrandProject", namespace, "mug") == written


async def test_an_overrun_server_is_asked_again_when_it_says_so(door: tuple[Proxy, Door], namespace: str) -> None:
    proxy, way = door
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with KubeClient(way, sleep=sleep) as patient:
        proxy.refusals = [refusal(429, "TooManyRequests", **{"Retry-After": "7"}) for _ in range(2)]
        assert (await patient.get(paths.collection("Review", namespace)))["items"] == []
        assert waits == [7.0, 7.0]
        proxy.refusals = [refusal(429, "TooManyRequests", **{"Retry-After": "1"}) for _ in range(5)]
        with pytest.raises(ApiServerUnavailable, match="429"):
            await patient.get(paths.collection("Review", namespace))
        proxy.refusals = [refusal(500, "InternalError")]
        with pytest.raises(ApiServerUnavailable, match="list reviews in namespace"):
            await patient.get(paths.collection("Review", namespace))


async def test_a_page_of_somebody_between_us_and_the_server_is_no_answer(
    door: tuple[Proxy, Door], namespace: str
) -> None:
    proxy, way = door
    async with KubeClient(way) as client:
        proxy.refusals = [web.Response(text="<html>Please log in.</html>", content_type="text/html")]
        with pytest.raises(ApiServerUnavailable, match="list reviews in namespace"):
            await client.get(paths.collection("Review", namespace))


async def test_statuses_are_written_when_they_say_something_new_and_only_then(
    door: tuple[Proxy, Door], namespace: str
) -> None:
    proxy, way = door
    conditions = [
        {"type": kind, "status": "True", "reason": "Trained", "message": "It serves.", "lastTransitionTime": moment}
        for kind, moment in (("Ready", "2027-01-15T08:00:00Z"), ("Trained", "2027-01-15T09:00:00Z"))
    ]
    async with KubeClient(way) as shaky, at_work(shaky, namespace) as manifests:
        kept = await manifests.create(builders.project("mug", namespace))
        place = ("BrandProject", namespace, "mug", kept["metadata"]["uid"])
        await manifests.set_status(*place, {"phase": "Ready", "conditions": conditions})
        assert proxy.asked["PATCH"] == 1
        await manifests.set_status(*place, {"phase": "Ready", "conditions": conditions[::-1]})
        assert proxy.asked["PATCH"] == 1
        await manifests.set_status(*place, {"phase": "Ready", "conditions": conditions[:1]})
        assert (await manifests.get(*place[:3]))["status"]["conditions"] == conditions[:1]


async def test_a_status_is_the_controllers_and_an_edit_keeps_what_kubectl_needs(
    farm_api: KubeApi, client: KubeClient, namespace: str
) -> None:
    await asyncio.to_thread(farm_api.kubectl, "apply", "-f", "-", input=json.dumps(builders.project("mug", namespace)))
    async with at_work(client, namespace) as manifests:
        kept = await manifests.get("BrandProject", namespace, "mug")
        assert "annotations" not in kept["metadata"]
        await manifests.set_status("BrandProject", namespace, "mug", kept["metadata"]["uid"], {"phase": "Ready"})
        await manifests.replace(kept | {"metadata": {"name": "mug", "namespace": namespace, "labels": {"a": "b"}}})
    raw = await client.get(paths.one("BrandProject", namespace, "mug"))
    assert "kubectl.kubernetes.io/last-applied-configuration" in raw["metadata"]["annotations"]
    managers = {field["manager"]: field.get("subresource", "") for field in raw["metadata"]["managedFields"]}
    assert managers["brandfarm-controller"] == "status"


async def test_a_refused_document_is_refused_in_the_farms_words(client: KubeClient, namespace: str) -> None:
    manifests = KubeManifests(client)
    with pytest.raises(ManifestInvalid) as refused:
        await manifests.create(builders.project("mug", namespace, concept="sculpture"))
    assert refused.value.message == (
        "BrandProject mug cannot be accepted:\n"
        '  spec.concept: found "sculpture"; write one of product, style, character.'
    )
    with pytest.raises(ManifestInvalid) as unknown:
        await manifests.create(builders.project("mug", namespace, glosary={"sox": "sock"}, triger="x"))
    assert "spec.triger: found the unknown field triger (did you mean trigger?)" in unknown.value.message


@pytest.mark.parametrize(("refusals", "is_told"), [(2, True), (6, False)])
async def test_a_server_that_was_just_away_may_refuse_for_a_moment(
    door: tuple[Proxy, Door], client: KubeClient, namespace: str, refusals: int, is_told: bool
) -> None:
    """As one that has started and has not read the roles yet."""
    await client.create(paths.collection("BrandProject", namespace), builders.project("mug", namespace))
    proxy, way = door
    proxy.refusals = [refusal(500, "InternalError"), *(refusal(403, "Forbidden") for _ in range(refusals))]
    seen: asyncio.Queue[Change] = asyncio.Queue()

    def tell(changes: Sequence[Change]) -> None:
        for one in changes:
            seen.put_nowait(one)

    async with KubeClient(way) as shaky:
        path = paths.collection("BrandProject", namespace)
        reflector = Reflector(shaky, Mirror("BrandProject"), path, tell, HASTY)
        running = asyncio.create_task(reflector.run())
        waiting = asyncio.create_task(seen.get())
        done, _ = await asyncio.wait([running, waiting], timeout=90, return_when=asyncio.FIRST_COMPLETED)
        assert done == {waiting if is_told else running}
        if not is_told:
            assert isinstance(running.exception(), Forbidden)
        for one in (running, waiting):
            one.cancel()
        await asyncio.wait([running, waiting])


async def test_who_may_not_or_is_nobody_is_told_so(farm_api: KubeApi, namespace: str) -> None:
    stranger = farm_api.as_user("stranger")
    async with KubeClient.of_kubeconfig(stranger) as nobody:
        with pytest.raises(Forbidden, match=r"stranger.*cannot list resource") as forbidden:
            await nobody.get(paths.collection("BrandProject", namespace))
        assert f"can-i list brandprojects.brandfarm.dev -n {namespace}" in forbidden.value.hint
        with pytest.raises(ExceptionGroup) as ended:
            await KubeManifests(nobody, [namespace]).run()
        assert ended.group_contains(Forbidden)
    wrong = stranger.with_name("wrong")
    wrong.write_text(farm_api.kubeconfig.read_text().replace(farm_api.token, "wrong"))
    async with KubeClient.of_kubeconfig(wrong) as unknown:
        with pytest.raises(Unauthorized, match="does not know who asks"):
            await unknown.get(paths.collection("BrandProject", namespace))


async def test_what_is_missing_is_named(client: KubeClient, namespace: str) -> None:
    with pytest.raises(NotFound, match="There is no namespace nowhere"):
        await KubeManifests(client).create(builders.project("mug", "nowhere"))
    with pytest.raises(NotFound, match=r"knows no mugs\.brandfarm\.dev"):
        await client.get("/apis/brandfarm.dev/v1alpha1/mugs")
