"""The controller's loops: what wakes which manifest, and that one in trouble leaves the others alone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.clocks import MachineClock
from cluster.local_manifests import LocalManifests
from cluster.ports import Change
from operators.controller import Controller, Pace
from operators.places import Place
from tests import builders
from tests.operators.world import World

pytestmark = pytest.mark.anyio

BRISK = Pace(relist=60.0, settle=0.01, poll=60.0, away=0.02)
"""So slow a relist that only a wake can explain what happens here."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@asynccontextmanager
async def running(world: World, pace: Pace = BRISK) -> AsyncIterator[None]:
    """A controller at work over the world, as its process runs it."""
    controller = Controller(world.documents, world.rounds, world.dispatcher, MachineClock(), pace)
    task = asyncio.create_task(controller.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def until(world: World, kind: str, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first status that is so; it is looked at whenever the manifest changes."""
    async with asyncio.timeout(90):
        async for change in world.documents.watch(0):
            if (change.kind, change.name, change.deleted) == (kind, name, False):
                status = (await world.documents.get(kind, "default", name)).get("status", {})
                if is_so(status):
                    return dict(status)
    raise AssertionError("a watch never ends")


def has_phase(phase: str) -> Callable[[dict[str, Any]], bool]:
    return lambda status: status.get("phase") == phase


async def at_work(world: World) -> None:
    """The workers go one step on once they have something to do."""
    async with asyncio.timeout(90):
        while not world.dispatcher.turn():
            await asyncio.sleep(0.01)


async def test_a_life_by_wakes_alone(world: World, tmp_path: Path) -> None:
    """Manifests come from another connection, as from a person's terminal; nothing waits for the relist."""
    person = LocalManifests(tmp_path / "farm.sqlite", now=world.clock.now)
    async with running(world):
        await person.create(builders.project())
        await person.create(builders.campaign())
        await until(world, "BrandProject", "stable-socks", has_phase("Intake"))
        await at_work(world)
        await at_work(world)
        await until(world, "BrandProject", "stable-socks", has_phase("Training"))
        await at_work(world)
        await at_work(world)
        await until(world, "BrandProject", "stable-socks", has_phase("Sampling"))
        await at_work(world)
        await at_work(world)
        await until(world, "BrandProject", "stable-socks", has_phase("AwaitingApproval"))
        await until(world, "Campaign", "spring", lambda status: status.get("reason") == "AwaitingApproval")
        await person.create(builders.review())
        await until(world, "BrandProject", "stable-socks", has_phase("Ready"))
        await until(world, "Campaign", "spring", has_phase("Generating"))
        await at_work(world)
        await at_work(world)
        complete = await until(world, "Campaign", "spring", has_phase("Complete"))
    person.close()
    assert complete["progress"] == "20/20"


async def test_a_new_dispatcher_is_told_everything_without_a_relist(world: World) -> None:
    async with running(world):
        await world.documents.create(builders.project())
        await until(world, "BrandProject", "stable-socks", has_phase("Intake"))
        world.dispatcher.restart()
        async with asyncio.timeout(90):
            while not world.dispatcher.wanted.get("uid-1"):
                await asyncio.sleep(0.01)


async def test_a_dispatcher_that_comes_back_is_found(world: World) -> None:
    world.dispatcher.is_up = False
    async with running(world):
        await world.documents.create(builders.project())
        told = await until(world, "BrandProject", "stable-socks", lambda one: bool(one))
        assert told["reason"] == "DispatcherUnavailable"
        world.dispatcher.is_up = True
        await until(world, "BrandProject", "stable-socks", lambda one: one.get("reason") == "Queued")


async def test_what_all_brands_wait_for_is_warned_of_once(world: World) -> None:
    names = ["stable-socks", "harbour-mugs", "quiet-lamps"]
    world.dispatcher.is_up = False
    with capture_logs() as lines:
        async with running(world):
            for name in names:
                await world.documents.create(builders.project(name))
            for name in names:
                await until(world, "BrandProject", name, lambda one: one.get("reason") == "DispatcherUnavailable")
            async with asyncio.timeout(90):
                while {line["name"] for line in lines if line["event"] == "put off"} != set(names):
                    await asyncio.sleep(0.01)
    told = [(line["log_level"], line["name"]) for line in lines if line["event"] == "put off"]
    assert [level for level, _ in told].count("warning") == 1
    assert {name for _, name in told} == set(names)


async def test_what_a_job_waits_for_is_told_anew_without_any_news(world: World) -> None:
    async with running(world, replace(BRISK, poll=0.05)):
        await world.documents.create(builders.project())
        await until(world, "BrandProject", "stable-socks", lambda one: "No worker" in one.get("message", ""))
        world.dispatcher.waiting_for = "The worker is starting."
        await until(world, "BrandProject", "stable-socks", lambda one: "is starting" in one.get("message", ""))


async def test_a_manifest_in_trouble_leaves_the_others_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    look = world.rounds.look

    async def stumbling(place: Any) -> bool:
        if place.name == "broken":
            raise RuntimeError("a mistake of ours")
        return await look(place)

    monkeypatch.setattr(world.rounds, "look", stumbling)
    async with running(world):
        await world.documents.create(builders.project("broken"))
        await world.documents.create(builders.project())
        await until(world, "BrandProject", "stable-socks", has_phase("Intake"))
        assert "status" not in await world.documents.get("BrandProject", "default", "broken")


async def test_the_controllers_own_status_does_not_wake_it(world: World) -> None:
    controller = Controller(world.documents, world.rounds, world.dispatcher, MachineClock(), BRISK)
    place = Place("BrandProject", "default", "stable-socks")
    await world.documents.create(builders.project())
    while await world.rounds.look(place):
        """It is looked at again while that changes what is seen."""
    written = (await world.documents.get(place.kind, place.namespace, place.name))["metadata"]
    own = Change(
        kind="BrandProject", namespace="default", name="stable-socks", uid=written["uid"],
        resource_version=int(written["resourceVersion"]),
    )  # fmt: skip
    await controller._heed(own)
    assert controller._queue.take(math.inf) is None
    await controller._heed(own.model_copy(update={"resource_version": own.resource_version + 1}))
    assert controller._queue.take(math.inf) == place


async def test_a_manifest_that_nothing_happens_to_comes_to_rest(world: World) -> None:
    async with running(world):
        await world.documents.create(builders.project())
        await until(world, "BrandProject", "stable-socks", has_phase("Intake"))
        before = -1
        async with asyncio.timeout(90):
            while before != world.fate.effects:  # one that wakes itself never comes to rest
                before = world.fate.effects
                await asyncio.sleep(0.2)  # several polls of the watch
        assert before > 0


async def test_deleting_while_it_runs_withdraws_the_jobs(world: World) -> None:
    async with running(world):
        await world.documents.create(builders.project())
        await until(world, "BrandProject", "stable-socks", has_phase("Intake"))
        await world.documents.delete("BrandProject", "default", "stable-socks")
        async with asyncio.timeout(90):
            while world.dispatcher.wanted["uid-1"]:
                await asyncio.sleep(0.01)
