"""Manifests in SQLite: what Kubernetes promises of a document, one process or many."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest

from cluster.local_manifests import LocalManifests
from cluster.ports import Change
from jobs.errors import Conflict, ManifestInvalid, NotFound
from tests import builders
from tests.contract.manifests import ManifestsContract

NOON = 1_800_000_000.0

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def manifests(tmp_path: Path) -> Iterator[LocalManifests]:
    """Manifests that take any document, so that these tests may be about how it is kept."""
    uids = iter(f"uid-{number}" for number in range(1, 100))
    opened = LocalManifests(
        tmp_path / "farm.sqlite",
        poll_seconds=0.005,
        now=lambda: NOON,
        new_uid=lambda: next(uids),
        admit=lambda before, after: None,
    )
    yield opened
    opened.close()


def document(name: str = "socks", kind: str = "BrandProject", **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "brandfarm.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


class TestManifestsInAFile(ManifestsContract):
    """The contract that every keeper of manifests keeps to."""

    @pytest.fixture
    def manifests(self, tmp_path: Path) -> Iterator[LocalManifests]:
        opened = LocalManifests(tmp_path / "farm.sqlite", poll_seconds=0.005)
        yield opened
        opened.close()

    @pytest.fixture
    def namespace(self) -> str:
        return "studio-a"


async def first(manifests: LocalManifests, count: int, after: int = 0) -> list[Change]:
    """The first `count` changes that a watch tells of."""
    changes = []
    async with asyncio.timeout(90), aclosing(manifests.watch(after)) as watch:
        async for change in watch:
            changes.append(change)
            if len(changes) == count:
                break
    return changes


async def test_a_new_document_gets_what_an_api_server_gives_it(manifests: LocalManifests) -> None:
    kept = await manifests.create(document(trigger="stblsx"))
    assert kept == {
        "apiVersion": "brandfarm.dev/v1alpha1",
        "kind": "BrandProject",
        "metadata": {
            "name": "socks",
            "namespace": "default",
            "uid": "uid-1",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": "2027-01-15T08:00:00Z",
        },
        "spec": {"trigger": "stblsx"},
    }
    assert await manifests.get("BrandProject", "default", "socks") == kept


async def test_a_name_is_taken_once_in_a_namespace(manifests: LocalManifests) -> None:
    await manifests.create(document())
    with pytest.raises(Conflict, match="socks exists in namespace default"):
        await manifests.create(document())
    elsewhere = document()
    elsewhere["metadata"]["namespace"] = "studio-b"
    await manifests.create(elsewhere)
    assert [found["metadata"]["namespace"] for found in await manifests.list("BrandProject")] == ["default", "studio-b"]
    assert len(await manifests.list("BrandProject", "studio-b")) == 1


async def test_the_generation_grows_with_the_spec_alone(manifests: LocalManifests) -> None:
    kept = await manifests.create(document(steps=100))
    assert (await manifests.replace(document(steps=100))) == kept
    edited = await manifests.replace(document(steps=200))
    assert (edited["metadata"]["generation"], edited["metadata"]["resourceVersion"]) == (2, "2")
    labelled = document(steps=200)
    labelled["metadata"]["labels"] = {"season": "spring"}
    after = await manifests.replace(labelled)
    assert (after["metadata"]["generation"], after["metadata"]["resourceVersion"]) == (2, "3")
    told = await manifests.set_status("BrandProject", "default", "socks", "uid-1", {"phase": "Training"})
    assert (told["metadata"]["generation"], told["metadata"]["resourceVersion"]) == (2, "4")
    assert told["spec"] == {"steps": 200}


async def test_a_lost_race_says_which_fields_differ(manifests: LocalManifests) -> None:
    read = await manifests.create(document(serve="approved", recipe={"steps": 100, "rank": 4}))
    await manifests.replace(document(serve="v2", recipe={"steps": 100, "rank": 8}))
    read["spec"] = {"serve": "v3", "recipe": {"steps": 100, "rank": 4}}
    with pytest.raises(Conflict) as lost:
        await manifests.replace(read)
    assert "resourceVersion 1, now 2" in lost.value.message
    assert "spec.recipe.rank is 8 there and 4 here; spec.serve is 'v2' there and 'v3' here" in lost.value.message
    assert (await manifests.get("BrandProject", "default", "socks"))["spec"]["serve"] == "v2"


async def test_what_breaks_a_rule_is_neither_created_nor_changed(tmp_path: Path) -> None:
    manifests = LocalManifests(tmp_path / "strict.sqlite")
    with pytest.raises(ManifestInvalid, match="trigger"):
        await manifests.create(builders.project(trigger="Not A Word"))
    kept = await manifests.create(builders.project())
    with pytest.raises(ManifestInvalid, match="nosuchfield"):
        await manifests.replace(kept | {"spec": kept["spec"] | {"nosuchfield": 1}})
    assert await manifests.list("BrandProject") == [kept]
    manifests.close()


async def test_a_review_is_never_changed_nor_what_a_campaign_draws(tmp_path: Path) -> None:
    manifests = LocalManifests(tmp_path / "strict.sqlite")
    word = await manifests.create(builders.review(verdict="approve"))
    with pytest.raises(ManifestInvalid, match="write another Review"):
        await manifests.replace(word | {"spec": word["spec"] | {"verdict": "reject"}})
    campaign = await manifests.create(builders.campaign())
    with pytest.raises(ManifestInvalid, match="write another Campaign"):
        await manifests.replace(campaign | {"spec": campaign["spec"] | {"looks": [{"brand": "mugs"}]}})
    hurried = campaign | {"spec": campaign["spec"] | {"placement": {"priority": "high"}}}
    assert (await manifests.replace(hurried))["metadata"]["generation"] == 2
    manifests.close()


async def test_what_is_not_there_is_said_to_be_so(manifests: LocalManifests) -> None:
    for asked in (
        manifests.get("BrandProject", "default", "socks"),
        manifests.delete("BrandProject", "default", "socks"),
        manifests.replace(document()),
    ):
        with pytest.raises(NotFound, match="no BrandProject socks"):
            await asked


async def test_a_document_takes_those_that_it_owns_along(manifests: LocalManifests) -> None:
    await manifests.create(document())
    for name, owner in (("mine", "uid-1"), ("other", "uid-77")):
        review = document(name, "Review")
        review["metadata"]["ownerReferences"] = [{"uid": owner, "kind": "BrandProject", "name": "socks"}]
        await manifests.create(review)
    await manifests.delete("BrandProject", "default", "socks")
    assert [kept["metadata"]["name"] for kept in await manifests.list("Review")] == ["other"]


async def test_a_watch_tells_the_newest_change_of_each_and_every_deletion(manifests: LocalManifests) -> None:
    await manifests.create(document("socks"))
    await manifests.create(document("mug"))
    await manifests.replace(document("socks", steps=2))
    await manifests.delete("BrandProject", "default", "mug")
    changes = await first(manifests, 2)
    assert [(change.name, change.deleted, change.resource_version) for change in changes] == [
        ("socks", False, 3),
        ("mug", True, 4),
    ]
    assert [change.name for change in await first(manifests, 1, after=3)] == ["mug"]


async def test_a_watch_sees_what_another_process_writes(manifests: LocalManifests, tmp_path: Path) -> None:
    await manifests.create(document("here"))
    waiting = asyncio.create_task(first(manifests, 1, after=1))
    await asyncio.to_thread(_in_another_process, tmp_path / "farm.sqlite", "create", "there", 1)
    assert [change.name for change in await waiting] == ["there"]


async def test_versions_are_never_given_out_twice(manifests: LocalManifests) -> None:
    await manifests.create(document("mug"))
    await manifests.delete("BrandProject", "default", "mug")
    manifests.close()
    again = await manifests.create(document("mug"))
    assert again["metadata"]["resourceVersion"] == "3"


async def test_two_processes_writing_at_once_lose_nothing(manifests: LocalManifests, tmp_path: Path) -> None:
    path, edits = tmp_path / "farm.sqlite", 20
    writers = [_start(path, "count", name, edits) for name in ("left", "right")]
    for writer in writers:
        _, complaint = writer.communicate(timeout=120)
        assert writer.returncode == 0, complaint
    kept = await manifests.get("BrandProject", "default", "shared")
    assert kept["spec"]["count"] == 2 * edits
    assert kept["metadata"]["generation"] == 2 * edits + 1


async def test_many_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    openers = [_start(tmp_path / "new.sqlite", "create", f"brand-{number}", 1) for number in range(3)]
    complaints = [opener.communicate(timeout=120)[1] for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 3, complaints


async def test_a_new_file_that_another_is_setting_up_is_waited_for(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        manifests = LocalManifests(tmp_path / "new.sqlite")
        creating = asyncio.create_task(manifests.create(builders.project("mug")))
        await asyncio.sleep(0.3)
        assert not creating.done()
        other.execute("ROLLBACK")
        assert (await creating)["metadata"]["name"] == "mug"


async def test_a_process_killed_in_the_middle_leaves_whole_documents(manifests: LocalManifests, tmp_path: Path) -> None:
    path = tmp_path / "farm.sqlite"
    writer = _start(path, "count", "left", 1_000_000)
    async with asyncio.timeout(90):
        await first(manifests, 1, after=5)
    writer.kill()
    writer.communicate()
    kept = await manifests.get("BrandProject", "default", "shared")
    assert kept["metadata"]["generation"] == kept["spec"]["count"] + 1
    await manifests.replace(document("shared", count=0))


WRITER = """
import asyncio, json, sys
from pathlib import Path
from cluster.local_manifests import LocalManifests
from jobs.errors import Conflict

async def main(path, verb, name, times):
    manifests = LocalManifests(Path(path), admit=lambda before, after: None)
    new = lambda name, count: {"kind": "BrandProject", "metadata": {"name": name}, "spec": {"count": count}}
    if verb == "create":
        await manifests.create(new(name, 0))
        return
    try:
        await manifests.create(new("shared", 0))
    except Conflict:
        pass
    while times:
        read = await manifests.get("BrandProject", "default", "shared")
        read["spec"]["count"] += 1
        try:
            await manifests.replace(read)
        except Conflict:
            continue
        times -= 1

path, verb, name, times = json.loads(sys.argv[1])
asyncio.run(main(path, verb, name, times))
"""


def _start(path: Path, verb: str, name: str, times: int) -> subprocess.Popen[str]:
    order = json.dumps([str(path), verb, name, times])
    return subprocess.Popen([sys.executable, "-c", WRITER, order], text=True, stderr=subprocess.PIPE)


def _in_another_process(path: Path, verb: str, name: str, times: int) -> None:
    writer = _start(path, verb, name, times)
    _, complaint = writer.communicate(timeout=120)
    assert writer.returncode == 0, complaint
