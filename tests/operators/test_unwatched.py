"""What was deleted while nobody watched is found, and nothing else is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.ports import Origin, WantedSet
from jobs import keys, publish
from jobs.errors import DispatcherUnavailable, StoreUnavailable
from operators.act import Actor, Charge
from operators.places import Place
from operators.unwatched import Lost, Unwatched
from tests import builders
from tests.operators.test_rounds import approve
from tests.operators.world import World

pytestmark = pytest.mark.anyio

HERE = Charge(home="lease-uid-1", lease="farm/controller", term=3)
SOCKS, SPRING = Place("BrandProject", "default", "stable-socks"), Place("Campaign", "default", "spring")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    lead(made)
    yield made
    made.close()


def lead(world: World, charge: Charge = HERE) -> None:
    """A new controller that leads by a lease."""
    world.new_controller()
    world.rounds._actor = Actor(world.documents, world.store, world.dispatcher, world.clock.now, charge)


def unwatched(world: World, charge: Charge = HERE, *namespaces: str) -> Unwatched:
    is_watched = (lambda space: space in namespaces) if namespaces else (lambda space: True)
    return Unwatched(world.documents, world.store, world.dispatcher, charge, is_watched)


async def deleted_unseen(world: World) -> None:
    """A brand and a campaign whose records stand, deleted without anybody seeing it."""
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await world.live()
    await approve(world)
    await world.live()
    await world.documents.delete("BrandProject", "default", "stable-socks")
    await world.documents.delete("Campaign", "default", "spring")


async def test_nobody_is_missing_while_all_are_there(world: World) -> None:
    await world.documents.create(builders.project())
    await world.live()
    assert await unwatched(world).suspects() == ()


async def test_of_those_that_are_there_no_record_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mug", "socks"):
        await world.documents.create(builders.project(name))
    await world.live()
    await world.documents.delete("BrandProject", "default", "mug")
    read: list[str] = []
    whole = world.store.get
    monkeypatch.setattr(world.store, "get", lambda key: (read.append(key), whole(key))[1])
    assert [lost.place.name for lost in await unwatched(world).suspects()] == ["mug"]
    assert read == [keys.version("uid-1", 1)]


async def test_whom_only_the_store_knows_is_found(world: World) -> None:
    await deleted_unseen(world)
    world.dispatcher.restart()
    found = await unwatched(world).suspects()
    assert set(found) == {Lost("uid-1", SOCKS), Lost("uid-2", SPRING)}


async def test_whom_only_the_dispatcher_knows_is_found(world: World) -> None:
    await world.documents.create(builders.project())
    await world.settle()
    await world.documents.delete("BrandProject", "default", "stable-socks")
    assert await unwatched(world).suspects() == (Lost("uid-1", SOCKS),)


async def test_what_was_found_is_withdrawn_and_then_known_to_be_deleted(world: World) -> None:
    await deleted_unseen(world)
    lead(world)
    for lost in await unwatched(world).suspects():
        world.rounds.met(lost.place, lost.uid)
        assert not await world.rounds.look(lost.place)
    assert world.store.exists(keys.deleted("uid-1"))
    assert world.store.exists(keys.deleted("uid-2"))
    assert await unwatched(world).suspects() == ()


async def test_a_namesake_that_lives_is_left_alone(world: World) -> None:
    await deleted_unseen(world)
    await world.documents.create(builders.project())
    lead(world)
    for lost in await unwatched(world).suspects():
        world.rounds.met(lost.place, lost.uid)
        await world.rounds.look(lost.place)
    assert not world.store.exists(keys.deleted("uid-4"))
    assert world.dispatcher.wanted["uid-1"] == {}


async def test_namespaces_that_are_not_watched_are_nobodys_to_judge(world: World) -> None:
    await deleted_unseen(world)
    assert await unwatched(world, HERE, "studio-a").suspects() == ()
    assert len(await unwatched(world, HERE, "default").suspects()) == 2


@pytest.mark.parametrize("other", [Charge(home="lease-uid-2", lease="farm/controller", term=4), Charge(term=4)])
async def test_another_homes_manifests_are_left_alone(world: World, other: Charge) -> None:
    """Another cluster, the same one whose lease was made anew, and a laptop: all on one store."""
    await deleted_unseen(world)
    assert await unwatched(world, other).suspects() == ()


async def test_records_that_do_not_say_whose_they_are_prove_nothing(world: World) -> None:
    """As earlier releases and laptops wrote them."""
    lead(world, Charge())
    await deleted_unseen(world)
    body = world.workers_store.get(keys.version("uid-1", 1))
    assert b"origin" not in body
    assert await unwatched(world, Charge(home="lease-uid-1", term=5)).suspects() == ()


async def test_an_owner_that_did_not_say_where_it_stands_is_left_alone(world: World) -> None:
    await world.dispatcher.put_jobs("uid-7", WantedSet(origin=Origin(home="lease-uid-1")))
    world.dispatcher.wanted["uid-7"] = {"job": None}  # type: ignore[dict-item]
    assert await unwatched(world).suspects() == ()


async def test_what_cannot_be_read_makes_nobody_missing(world: World) -> None:
    await deleted_unseen(world)
    world.store.is_up = False
    with pytest.raises(StoreUnavailable):
        await unwatched(world).suspects()
    world.store.is_up, world.dispatcher.is_up = True, False
    with pytest.raises(DispatcherUnavailable):
        await unwatched(world).suspects()


async def test_who_comes_back_into_the_list_was_never_missing(world: World) -> None:
    await world.documents.create(builders.project())
    await world.live()
    there = Lost("uid-1", SOCKS)
    assert await unwatched(world).still_lost([there, Lost("uid-9", SPRING)]) == (Lost("uid-9", SPRING),)


async def test_a_deletion_that_is_written_down_but_still_wants_something_is_withdrawn_again(world: World) -> None:
    """A wanted set that arrived late, after its manifest was retired."""
    await world.documents.create(builders.project())
    await world.settle()
    late = dict(world.dispatcher.wanted["uid-1"])
    await world.documents.delete("BrandProject", "default", "stable-socks")
    await world.settle()
    world.dispatcher.wanted["uid-1"] = late
    lead(world)
    world.rounds.forget_dispatcher({"uid-1"})
    for lost in await unwatched(world).suspects():
        world.rounds.met(lost.place, lost.uid)
        await world.rounds.look(lost.place)
    assert world.dispatcher.wanted["uid-1"] == {}
    assert publish.read(world.store, keys.deleted("uid-1"))
