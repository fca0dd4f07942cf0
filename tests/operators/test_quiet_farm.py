"""What rests is left alone, and everything that could move it is noticed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs import keys, publish
from jobs.records import RerunRecord
from operators.places import Place
from operators.relist import SMALL_FARM, Found, Relist
from operators.resting import NEVER, Rest, Resting, says_that_it_rests
from tests import builders
from tests.builders import digest
from tests.operators.world import World

pytestmark = pytest.mark.anyio

SOCKS, SPRING = Place("BrandProject", "default", "stable-socks"), Place("Campaign", "default", "spring")
NOTHING = Found(frozenset(), frozenset())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at merely because it is its turn."""
    monkeypatch.setattr("operators.relist.SMALL_FARM", 0)


async def at_rest(world: World) -> Relist:
    """A brand that serves and a campaign that is complete, and a relist that has seen them so."""
    await world.documents.create(builders.project(gate={"approvals": 0}))
    await world.documents.create(builders.campaign())
    await world.live()
    relist = Relist(world.documents, world.rounds, share=0.0)
    assert await relist.look_round() == NOTHING
    return relist


async def test_what_rests_is_not_looked_at(world: World) -> None:
    relist = await at_rest(world)
    world.clock.seconds += 1000
    assert await relist.look_round() == NOTHING


async def test_it_takes_neither_a_manifest_nor_a_record_to_see_that_all_rest(world: World) -> None:
    relist = await at_rest(world)
    world.store.is_up = False  # every read would fail

    async def unread(*_: str) -> dict[str, object]:
        raise AssertionError("a manifest was read")

    world.documents.get = unread  # type: ignore[assignment, method-assign]
    assert await relist.look_round() == NOTHING


async def test_an_edit_that_no_watch_told_of_is_seen(world: World) -> None:
    relist = await at_rest(world)
    document = await world.documents.get("BrandProject", "default", "stable-socks")
    document["spec"]["gate"] = {"approvals": 1}
    await world.documents.replace(document)
    assert (await relist.look_round()).changed == {SOCKS}


async def test_a_namesake_of_a_deleted_manifest_is_another(world: World) -> None:
    relist = await at_rest(world)
    await world.documents.delete("Campaign", "default", "spring")
    assert (await relist.look_round()).routine == {SPRING}
    await world.documents.create(builders.campaign())
    assert (await relist.look_round()).changed == {SPRING}


async def test_a_word_that_no_watch_told_of_is_seen_once_and_so_is_its_end(world: World) -> None:
    relist = await at_rest(world)
    word = await world.documents.create(builders.review())
    assert (await relist.look_round()).changed == {SOCKS}
    await world.settle()
    assert await relist.look_round() == NOTHING
    await world.documents.delete("Review", "default", word["metadata"]["name"])
    assert (await relist.look_round()).changed == {SOCKS}


async def test_another_meaning_of_its_base_moves_a_brand(world: World) -> None:
    relist = await at_rest(world)
    world.bases["tiny"] = builders.listed("tiny", digest=digest("other weights"))
    assert (await relist.look_round()).changed == {SOCKS}


async def test_what_was_worked_out_for_a_campaign_goes_with_it(world: World) -> None:
    await at_rest(world)
    worked_out = world.rounds.observer._campaign_jobs
    assert len(worked_out) == 1
    await world.documents.delete("Campaign", "default", "spring")
    await world.settle()
    assert worked_out == {}


async def test_a_person_who_asks_for_failed_shots_again_moves_a_campaign(world: World) -> None:
    relist = await at_rest(world)
    uid = (await world.documents.get("Campaign", "default", "spring"))["metadata"]["uid"]
    asked = RerunRecord(uid=uid, number=1, ranges=[(0, 16)], by="lead", created=world.clock.now())
    publish.record(world.workers_store, keys.rerun(uid, 1), asked.model_dump(mode="json"))
    assert (await relist.look_round()).changed == {SPRING}


async def test_what_has_work_or_trouble_never_rests(world: World) -> None:
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await world.settle()
    relist = Relist(world.documents, world.rounds, share=0.0)
    assert (await relist.look_round()).routine == {SOCKS, SPRING}


async def test_a_new_controller_believes_who_says_that_he_rests_and_looks_at_the_others(world: World) -> None:
    await at_rest(world)
    await world.documents.create(builders.project("mugs"))
    relist = Relist(world.documents, world.new_controller(), share=0.0)
    assert await relist.look_round() == Found(frozenset(), frozenset({Place("BrandProject", "default", "mugs")}))


async def test_a_word_that_was_said_while_no_controller_ran_is_looked_at_first(world: World) -> None:
    await at_rest(world)
    await world.documents.create(builders.review())
    relist = Relist(world.documents, world.new_controller(), share=0.0)
    assert (await relist.look_round()).routine == {SOCKS}


async def test_everything_is_looked_at_in_full_by_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await at_rest(world)
    monkeypatch.setattr("operators.relist.SMALL_FARM", 1)
    relist = Relist(world.documents, world.rounds, share=0.0)
    seen: set[Place] = set()
    for _ in range(2):
        (turn,) = (await relist.look_round()).routine
        seen.add(turn)
        world.clock.seconds += 1
        assert not await world.rounds.look(turn)
    assert seen == {SOCKS, SPRING}


def test_a_laptop_is_looked_at_as_a_whole() -> None:
    resting = Resting()
    for number in range(SMALL_FARM):
        resting.settle(
            Place("BrandProject", "default", f"brand-{number}"), Rest(f"uid-{number}", number, looked=number)
        )
    resting.settle(SOCKS, Rest("uid", 1))
    assert resting.of(SOCKS) == Rest("uid", 1, looked=NEVER)
    assert resting.oldest(2) == [SOCKS, Place("BrandProject", "default", "brand-0")]
    resting.stir(SOCKS)
    assert len(resting.oldest(100)) == len(resting) == SMALL_FARM


def said(phase: str = "Ready", generation: int = 1, degraded: str = "False", **spec: object) -> dict[str, object]:
    document = builders.kept(builders.project(**spec))
    moved = "2027-01-15T09:00:00Z"
    condition = {"type": "Degraded", "status": degraded, "lastTransitionTime": moved}
    return document | {"status": {"phase": phase, "observedGeneration": generation, "conditions": [condition]}}


@pytest.mark.parametrize(
    ("document", "rests"),
    [
        (said(), True),
        (said(phase="AwaitingApproval"), True),
        (said(phase="Training"), False),
        (said(phase="Failed"), False),
        (said(generation=0), False),
        (said(degraded="True"), False),
        (said(degraded="Unknown"), False),
        (builders.kept(builders.project()), False),
    ],
)
def test_who_says_that_it_rests(document: dict[str, object], rests: bool) -> None:
    assert says_that_it_rests(document, []) is rests


def test_a_word_of_the_second_in_which_the_status_moved_counts_as_unheard() -> None:
    before = builders.kept(builders.review(), created="2027-01-15T08:59:59Z")
    at_once = builders.kept(builders.review(), created="2027-01-15T09:00:00Z")
    assert says_that_it_rests(said(), [before])
    assert not says_that_it_rests(said(), [before, at_once])
