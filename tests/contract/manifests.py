"""What every keeper of manifests keeps to, a file or an API server. A room's tests inherit this and say how to make one."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import pytest

from cluster.ports import Change, Manifests
from jobs.errors import Conflict, NotFound
from tests import builders

Document = dict[str, Any]
PATIENCE_SECONDS = 30.0


def spec_of(document: Document, field: str) -> Any:
    """One field of a document's spec; what a server fills in beside it is its own affair."""
    return document["spec"][field]


def version_of(document: Document) -> int:
    """Its resourceVersion."""
    return int(document["metadata"]["resourceVersion"])


async def told(manifests: Manifests, namespace: str, after: int = 0) -> AsyncGenerator[Change, None]:
    """What a watch tells of one namespace."""
    async for change in manifests.watch(after):
        if change.namespace == namespace:
            yield change


async def next_of(watch: AsyncGenerator[Change, None]) -> tuple[str, str, str, bool, int]:
    """The next change: its kind, name and uid, whether it is a deletion, and its version."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        change = await anext(watch)
    return change.kind, change.name, change.uid, change.deleted, change.resource_version


class ManifestsContract(ABC):
    """Manifests with nothing in them, and a namespace of them that nobody else uses."""

    @pytest.fixture
    @abstractmethod
    def manifests(self) -> Any:
        """An empty keeper, at work."""

    @pytest.fixture
    @abstractmethod
    def namespace(self) -> str:
        """Where the documents of one test go."""

    async def test_a_new_document_gets_an_identity(self, manifests: Manifests, namespace: str) -> None:
        project = builders.project("socks", namespace)
        project["metadata"]["labels"] = {"season": "spring"}
        project["metadata"]["annotations"] = {"note": "for the shop"}
        kept = await manifests.create(project)
        assert kept["metadata"] == {
            "name": "socks",
            "namespace": namespace,
            "labels": {"season": "spring"},
            "annotations": {"note": "for the shop"},
            "uid": kept["metadata"]["uid"],
            "generation": 1,
            "resourceVersion": str(int(kept["metadata"]["resourceVersion"])),
            "creationTimestamp": kept["metadata"]["creationTimestamp"],
        }
        assert datetime.strptime(kept["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ")
        assert spec_of(kept, "trigger") == "stblsx"
        assert await manifests.get("BrandProject", namespace, "socks") == kept
        assert await manifests.list("BrandProject", namespace) == [kept]

    async def test_documents_are_listed_by_name_and_kind(self, manifests: Manifests, namespace: str) -> None:
        for name in ("tea", "mug"):
            await manifests.create(builders.project(name, namespace))
        await manifests.create(builders.campaign("spring", namespace))
        assert await manifests.names("BrandProject", namespace) == [(namespace, "mug"), (namespace, "tea")]
        listed = await manifests.list("BrandProject")
        assert [one["metadata"]["name"] for one in listed if one["metadata"]["namespace"] == namespace] == [
            "mug",
            "tea",
        ]
        assert (namespace, "spring") in await manifests.names("Campaign")

    async def test_a_name_is_taken_once(self, manifests: Manifests, namespace: str) -> None:
        await manifests.create(builders.project("socks", namespace))
        with pytest.raises(Conflict, match=f"BrandProject socks exists in namespace {namespace} already"):
            await manifests.create(builders.project("socks", namespace))

    async def test_a_generated_name_is_new_each_time(self, manifests: Manifests, namespace: str) -> None:
        review = builders.review()
        review["metadata"] = {"generateName": "socks-v1-", "namespace": namespace}
        names = {(await manifests.create(review))["metadata"]["name"] for _ in range(5)}
        assert len(names) == 5
        assert all(name.startswith("socks-v1-") and len(name) == 14 for name in names)

    async def test_an_owner_is_remembered(self, manifests: Manifests, namespace: str) -> None:
        parent = await manifests.create(builders.campaign("nightly", namespace))
        owner = {"apiVersion": parent["apiVersion"], "kind": "Campaign", "name": "nightly"}
        child = builders.campaign("nightly-1", namespace)
        child["metadata"]["ownerReferences"] = [{**owner, "uid": parent["metadata"]["uid"]}]
        made = await manifests.create(child)
        assert made["metadata"]["ownerReferences"] == child["metadata"]["ownerReferences"]

    async def test_the_generation_grows_with_the_spec_alone(self, manifests: Manifests, namespace: str) -> None:
        kept = await manifests.create(builders.project("socks", namespace))
        assert await manifests.replace(kept) == kept
        edited = await manifests.replace(builders.project("socks", namespace, serve="v2"))
        assert (edited["metadata"]["generation"], spec_of(edited, "serve")) == (2, "v2")
        labelled = builders.project("socks", namespace, serve="v2")
        labelled["metadata"]["labels"] = {"season": "spring"}
        after = await manifests.replace(labelled)
        uid = kept["metadata"]["uid"]
        told = await manifests.set_status("BrandProject", namespace, "socks", uid, {"phase": "Training"})
        assert [one["metadata"]["generation"] for one in (after, told)] == [2, 2]
        assert (told["metadata"]["labels"], spec_of(told, "serve")) == ({"season": "spring"}, "v2")
        versions = [int(one["metadata"]["resourceVersion"]) for one in (kept, edited, after, told)]
        assert versions == sorted(set(versions))

    async def test_an_equal_status_is_not_written_again(self, manifests: Manifests, namespace: str) -> None:
        kept = await manifests.create(builders.project("socks", namespace))
        place = ("BrandProject", namespace, "socks", kept["metadata"]["uid"])
        first = await manifests.set_status(*place, {"phase": "Ready", "serving": "v1"})
        assert await manifests.set_status(*place, {"serving": "v1", "phase": "Ready"}) == first

    async def test_what_a_status_no_longer_says_is_gone(self, manifests: Manifests, namespace: str) -> None:
        kept = await manifests.create(builders.project("socks", namespace))
        place = ("BrandProject", namespace, "socks", kept["metadata"]["uid"])
        await manifests.set_status(*place, {"phase": "Ready", "serving": "v1"})
        written = await manifests.set_status(*place, {"phase": "Training"})
        assert (written["status"]["phase"], "serving" in written["status"]) == ("Training", False)
        assert await manifests.get("BrandProject", namespace, "socks") == written

    async def test_a_spec_may_not_smuggle_in_a_status_nor_lose_one(self, manifests: Manifests, namespace: str) -> None:
        kept = await manifests.create(builders.project("socks", namespace) | {"status": {"phase": "Ready"}})
        assert "status" not in kept
        place = ("BrandProject", namespace, "socks", kept["metadata"]["uid"])
        await manifests.set_status(*place, {"phase": "Training"})
        new = builders.project("socks", namespace, serve="v2")
        assert (await manifests.replace(new | {"status": {"phase": "Ready"}}))["status"]["phase"] == "Training"

    async def test_a_lost_race_says_which_fields_differ(self, manifests: Manifests, namespace: str) -> None:
        read = await manifests.create(builders.project("socks", namespace))
        await manifests.replace(builders.project("socks", namespace, serve="v2"))
        read["spec"]["serve"] = "v3"
        with pytest.raises(Conflict, match=r"spec\.serve is 'v2' there and 'v3' here"):
            await manifests.replace(read)
        assert spec_of(await manifests.get("BrandProject", namespace, "socks"), "serve") == "v2"

    async def test_what_is_not_there_is_said_to_be_so(self, manifests: Manifests, namespace: str) -> None:
        for asked in (
            manifests.get("BrandProject", namespace, "socks"),
            manifests.delete("BrandProject", namespace, "socks"),
            manifests.replace(builders.project("socks", namespace)),
            manifests.set_status("BrandProject", namespace, "socks", "uid-1", {"phase": "Ready"}),
        ):
            with pytest.raises(NotFound, match=f"no BrandProject socks in namespace {namespace}"):
                await asked

    async def test_a_status_does_not_reach_a_namesake(self, manifests: Manifests, namespace: str) -> None:
        first = await manifests.create(builders.project("socks", namespace))
        await manifests.delete("BrandProject", namespace, "socks")
        second = await manifests.create(builders.project("socks", namespace))
        with pytest.raises(NotFound, match="made anew"):
            await manifests.set_status("BrandProject", namespace, "socks", first["metadata"]["uid"], {"phase": "Ready"})
        assert await manifests.get("BrandProject", namespace, "socks") == second

    async def test_who_writes_sees_his_own_writes(self, manifests: Manifests, namespace: str) -> None:
        for number in range(3):
            kept = await manifests.create(builders.project("socks", namespace))
            assert await manifests.get("BrandProject", namespace, "socks") == kept
            edited = await manifests.replace(builders.project("socks", namespace, serve=f"v{number + 1}"))
            assert await manifests.get("BrandProject", namespace, "socks") == edited
            uid = kept["metadata"]["uid"]
            told = await manifests.set_status("BrandProject", namespace, "socks", uid, {"phase": "Ready"})
            assert await manifests.list("BrandProject", namespace) == [told]
            await manifests.delete("BrandProject", namespace, "socks")
            assert await manifests.names("BrandProject", namespace) == []

    async def test_a_watch_tells_what_is_there_and_then_every_change(
        self, manifests: Manifests, namespace: str
    ) -> None:
        kept = await manifests.create(builders.project("socks", namespace))
        uid = kept["metadata"]["uid"]
        async with aclosing(told(manifests, namespace)) as watch:
            assert await next_of(watch) == ("BrandProject", "socks", uid, False, version_of(kept))
            edited = await manifests.replace(builders.project("socks", namespace, serve="v2"))
            assert await next_of(watch) == ("BrandProject", "socks", uid, False, version_of(edited))
            await manifests.delete("BrandProject", namespace, "socks")
            *gone, version = await next_of(watch)
            assert (gone, version > version_of(edited)) == (["BrandProject", "socks", uid, True], True)
            again = await manifests.create(builders.project("socks", namespace))
            assert (await next_of(watch))[2:] == (again["metadata"]["uid"], False, version_of(again))
            await manifests.create(builders.campaign("spring", namespace))
            assert (await next_of(watch))[:2] == ("Campaign", "spring")

    async def test_a_watch_of_what_is_newer_leaves_out_the_rest(self, manifests: Manifests, namespace: str) -> None:
        first = await manifests.create(builders.project("mug", namespace))
        second = await manifests.create(builders.project("socks", namespace))
        async with aclosing(told(manifests, namespace, version_of(first))) as watch:
            assert (await next_of(watch))[1:] == ("socks", second["metadata"]["uid"], False, version_of(second))

    async def test_of_many_who_count_at_once_none_is_lost(self, manifests: Manifests, namespace: str) -> None:
        await manifests.create(builders.project("socks", namespace, recipe={"steps": 100}))

        async def count() -> None:
            for _ in range(3):
                while True:
                    read = await manifests.get("BrandProject", namespace, "socks")
                    read["spec"]["recipe"]["steps"] += 1
                    try:
                        await manifests.replace(read)
                    except Conflict:
                        continue
                    break

        await asyncio.gather(*(count() for _ in range(3)))
        kept = await manifests.get("BrandProject", namespace, "socks")
        assert (kept["spec"]["recipe"]["steps"], kept["metadata"]["generation"]) == (109, 10)
