"""Whole lives of manifests over real SQLite and a real folder, ended after any effect and begun again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import blobs, keys, publish
from jobs.errors import DispatcherUnavailable, StoreError, StoreUnavailable
from jobs.records import RerunRecord
from jobs.shots import Plan
from jobs.spec import JobKind
from operators.places import Place
from tests import builders
from tests.builders import digest
from tests.operators.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


async def approve(world: World, version: str = "v1", by: str = "lead@studio-a", verdict: str = "approve") -> None:
    await world.documents.create(builders.review(version, by, verdict))


async def edit(world: World, **spec: Any) -> None:
    document = await world.documents.get("BrandProject", "default", "stable-socks")
    document["spec"] |= spec
    await world.documents.replace(document)


async def whole_life(world: World) -> None:
    """A brand and a campaign that waits for its approval, an edit that makes a second version, and a deletion."""
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await world.live()
    await approve(world)
    await world.live()
    await edit(world, recipe={"steps": 400})
    await world.live()
    await world.documents.delete("Campaign", "default", "spring")
    await world.live()


async def test_from_a_manifest_to_a_complete_campaign(world: World) -> None:
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await world.live()
    project, campaign = await world.status("BrandProject", "stable-socks"), await world.status("Campaign", "spring")
    assert (project["phase"], project["progress"], project["newest"]) == ("AwaitingApproval", "0/1", "v1")
    assert (campaign["phase"], campaign["reason"]) == ("Waiting", "AwaitingApproval")
    assert Counter(job.kind.value for job in world.dispatcher.begun) == {"intake": 1, "train": 1, "generate": 1}

    await approve(world)
    await world.live()
    project, campaign = await world.status("BrandProject", "stable-socks"), await world.status("Campaign", "spring")
    assert (project["phase"], project["serving"]) == ("Ready", "v1")
    assert (campaign["phase"], campaign["progress"]) == ("Complete", "20/20")
    assert campaign["shots"] == {"planned": 20, "made": 20, "reused": 0, "failed": 0}
    assert Counter(job.kind.value for job in world.dispatcher.begun) == {"intake": 1, "train": 1, "generate": 3}


async def test_the_sheet_of_a_version_is_found_by_its_status(world: World) -> None:
    await world.documents.create(builders.project())
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    (version,) = status["versions"]
    sheet = Plan.model_validate(blobs.get_json(world.store, version["sheet"]))
    assert [look.label for look in sheet.looks] == ["base", "stable-socks v1"]
    assert world.store.exists(keys.train(version["asked"]))
    assert (version["state"], version["approvals"]) == ("trained", 0)


async def test_a_settled_farm_writes_nothing(world: World) -> None:
    await whole_life(world)
    before, newest = world.fate.effects, (await world.documents.changes(0))[-1].resource_version
    world.new_controller()
    await world.settle()
    assert (await world.documents.changes(0))[-1].resource_version == newest
    hand_overs = world.fate.effects - before
    assert hand_overs == 2, "one for the brand that is left and one for the campaign that was deleted, both empty"


@pytest.mark.slow
async def test_a_controller_ended_after_any_effect_comes_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # processes end here, not machines; it halves the time
    undisturbed = World(tmp_path / "undisturbed")
    await whole_life(undisturbed)
    expected, effects = await undisturbed.account(), undisturbed.fate.effects
    undisturbed.close()
    assert effects > 40
    for number in range(1, effects + 1):
        world = World(tmp_path / str(number), kill_after=number)
        await whole_life(world)
        assert world.restarts == 1
        assert await world.account() == expected, f"ended after effect {number}"
        assert Counter(job.id for job in world.dispatcher.begun).most_common(1)[0][1] == 1
        world.close()


async def test_versions_are_numbered_once_and_in_order(world: World) -> None:
    await whole_life(world)
    records = (await world.account())["records"]
    versions = {key: body for key, body in records.items() if key.startswith("record/version/")}
    assert [body["number"] for body in versions.values()] == [1, 2]
    assert [body["recipe"]["steps"] for body in versions.values()] == [300, 400]


async def test_the_same_manifest_under_another_name_trains_once_and_is_referenced_twice(world: World) -> None:
    await world.documents.create(builders.project())
    copy = builders.project("copied-socks")
    copy["spec"]["dataset"] = builders.project()["spec"]["dataset"]
    await world.documents.create(copy)
    await world.live()
    assert Counter(job.kind.value for job in world.dispatcher.begun)["train"] == 1
    adapters = [
        (await world.status("BrandProject", name))["versions"][0]["asked"] for name in ("stable-socks", "copied-socks")
    ]
    assert adapters[0] == adapters[1]


async def test_deleting_withdraws_the_jobs_and_says_so_in_the_store(world: World) -> None:
    await world.documents.create(builders.project())
    await world.settle()
    assert world.dispatcher.wanted["uid-1"]
    await world.documents.delete("BrandProject", "default", "stable-socks")
    await world.settle()
    assert world.dispatcher.wanted["uid-1"] == {}
    assert world.store.exists(keys.deleted("uid-1"))


async def test_what_was_deleted_while_no_controller_ran_is_withdrawn_by_the_next(world: World) -> None:
    await world.documents.create(builders.project())
    await world.settle()
    await world.documents.delete("BrandProject", "default", "stable-socks")
    await world.documents.create(builders.project())
    world.new_controller()
    await world.settle()
    assert (world.dispatcher.wanted["uid-1"], len(world.dispatcher.wanted["uid-2"])) == ({}, 1)
    assert world.store.exists(keys.deleted("uid-1"))
    assert not world.store.exists(keys.deleted("uid-2"))


async def test_words_on_a_deleted_project_do_not_count_for_its_namesake(world: World) -> None:
    await world.documents.create(builders.project())
    await world.documents.create(builders.review(projectUid="uid-1"))
    await world.live()
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "Ready"
    await world.documents.delete("BrandProject", "default", "stable-socks")
    world.clock.seconds += 60
    await world.documents.create(builders.project())
    await world.live()
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "AwaitingApproval"


async def test_a_word_without_a_uid_counts_only_from_the_projects_creation_on(world: World) -> None:
    await approve(world)
    world.clock.seconds += 60
    await world.documents.create(builders.project())
    await world.live()
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "AwaitingApproval"
    await approve(world)
    await world.live()
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "Ready"


async def test_a_store_that_is_down_cancels_nothing_and_is_told(world: World) -> None:
    await world.documents.create(builders.project())
    await world.settle()
    wanted = dict(world.dispatcher.wanted)
    before = await world.status("BrandProject", "stable-socks")
    world.store.is_up = False
    world.new_controller()
    with pytest.raises(StoreUnavailable):
        await world.settle()
    status = await world.status("BrandProject", "stable-socks")
    assert world.dispatcher.wanted == wanted
    assert (status["phase"], status["reason"]) == (before["phase"], "StoreUnavailable")
    assert status["message"] == "The store does not answer. Look at its disk. What is under way goes on."
    assert conditions(status) == conditions(before)
    world.store.is_up = True
    await world.live()
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "AwaitingApproval"


async def test_what_the_store_holds_but_nobody_can_read_is_told_as_degraded(world: World) -> None:
    await world.documents.create(builders.project())
    world.store.create(keys.version("uid-1", 1), b"not a record")
    with pytest.raises(StoreError):
        await world.settle()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["reason"], conditions(status)["Degraded"]) == ("Pending", "StoreError", "True")
    assert conditions(status)["Ready"] == "Unknown"


async def test_who_has_all_that_was_declared_is_not_told_that_the_dispatcher_is_away(world: World) -> None:
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await approve(world)
    await world.live()
    world.dispatcher.is_up = False
    world.rounds.forget_dispatcher()
    for kind, name, phase in (("BrandProject", "stable-socks", "Ready"), ("Campaign", "spring", "Complete")):
        before = await world.status(kind, name)
        assert before["phase"] == phase
        with pytest.raises(DispatcherUnavailable):
            await world.rounds.look(Place(kind, "default", name))
        assert await world.status(kind, name) == before


async def test_a_dispatcher_that_is_away_leaves_what_is_known_and_is_told(world: World) -> None:
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await approve(world)
    await world.live()
    world.dispatcher.is_up = False
    await edit(world, recipe={"steps": 400})
    with pytest.raises(DispatcherUnavailable):
        await world.settle()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["serving"], status["newest"], status["reason"]) == ("v1", "v2", "DispatcherUnavailable")
    assert "What is under way goes on." in status["message"]
    world.dispatcher.is_up = True
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["newest"], len(status["versions"])) == ("AwaitingApproval", "v2", 2)


async def test_a_new_dispatcher_is_told_everything_that_is_still_wanted(world: World) -> None:
    await world.documents.create(builders.project())
    await world.settle()
    world.dispatcher.restart()
    world.rounds.forget_dispatcher()
    await world.settle()
    assert [job.kind for job in world.dispatcher.wanted["uid-1"].values()] == [JobKind.INTAKE]


async def test_a_failed_training_is_told_and_an_edit_gets_the_next_number(world: World) -> None:
    world.dispatcher.failing = {JobKind.TRAIN}
    await world.documents.create(builders.project())
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["reason"], status["newest"]) == ("Failed", "Diverged", "v1")
    world.dispatcher.failing = set()
    await edit(world, recipe={"learningRate": 0.0001})
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["newest"]) == ("AwaitingApproval", "v2")
    assert [one["state"] for one in status["versions"]] == ["failed", "trained"]


async def test_a_failed_version_is_remembered_through_restarts_of_both(world: World) -> None:
    world.dispatcher.failing = {JobKind.TRAIN}
    await world.documents.create(builders.project())
    await world.live()
    world.new_controller()
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], len(status["versions"])) == ("Failed", 1)


async def test_other_files_at_the_same_source_make_another_version(world: World) -> None:
    await world.documents.create(builders.project())
    await world.live()
    world.listing = digest("another listing")
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert status["newest"] == "v1", "the same pictures under other names are the same dataset"


def conditions(status: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in status["conditions"]}


async def test_failed_shots_are_drawn_again_once_a_person_asks(world: World) -> None:
    await world.documents.create(builders.project(gate={"approvals": 0}))
    await world.live()
    await world.documents.create(builders.campaign())
    await world.settle()
    uid = (await world.documents.get("Campaign", "default", "spring"))["metadata"]["uid"]
    first = next(job for job in world.dispatcher.wanted[uid].values() if job.ask.start == 0)  # type: ignore[union-attr]
    body = builders.chunk_record(first, failed=3).model_dump(mode="json", exclude={"writeId"})
    publish.record(world.workers_store, first.record_key, body)
    await world.live()
    assert (await world.status("Campaign", "spring"))["reason"] == "ShotsFailed"
    asked = RerunRecord(uid=uid, number=1, ranges=[(0, 16)], by="lead", created=world.clock.now())
    publish.record(world.workers_store, keys.rerun(uid, 1), asked.model_dump(mode="json"))
    await world.live()
    status = await world.status("Campaign", "spring")
    assert (status["phase"], status["reason"], status["shots"]["failed"]) == ("Complete", "Complete", 0)
