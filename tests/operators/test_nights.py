"""Scheduled campaigns over real SQLite with a hand-turned clock: nights begin, end and are forgotten, and no stop makes two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cluster.ports import Manifests
from operators.act import Actor
from operators.observe import Lookups, Observer
from operators.rounds import Place, Rounds
from tests import builders
from tests.operators.world import Fate, Killed, World

pytestmark = pytest.mark.anyio

HOUR = 3600.0
TONIGHT = datetime.fromisoformat("2027-01-16T01:30:00+00:00").timestamp()
DAY = 24 * HOUR


class Doomed:
    """Manifests whose writer's process may end after each of its writes."""

    def __init__(self, documents: Manifests, fate: Fate) -> None:
        self._documents, self._fate = documents, fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def create(self, document: dict[str, Any]) -> dict[str, Any]:
        made = await self._documents.create(document)
        self._fate.effect()
        return made

    async def replace(self, document: dict[str, Any]) -> dict[str, Any]:
        kept = await self._documents.replace(document)
        self._fate.effect()
        return kept

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        await self._documents.delete(kind, namespace, name)
        self._fate.effect()


class Nights(World):
    """The world, with a brand that serves, in which the controller may also end after a manifest that it wrote."""

    def __init__(self, folder: Path) -> None:
        self.pen = Fate()
        super().__init__(folder)

    def new_controller(self) -> Rounds:
        lookups = Lookups(base=self.bases.__getitem__, listing=lambda _: self.listing, now=self.clock.now)
        observer = Observer(self.documents, self.store, lookups, chunk=16)
        doomed: Any = Doomed(self.documents, self.pen)
        actor = Actor(doomed, self.store, self.dispatcher, self.clock.now)
        self.rounds = Rounds(self.documents, observer, actor, self.clock)
        return self.rounds

    async def scheduled(self, *, is_trained: bool = True, **schedule: Any) -> None:
        """A brand, and a campaign of half past one every night, five hours long."""
        if is_trained:
            await self.documents.create(builders.project(gate={"approvals": 0}))
            await self.live()
        said = {"cron": "30 1 * * *", "timeZone": "Europe/London", "window": "5h", **schedule}
        await self.documents.create(builders.campaign(schedule=said))
        await self.live()

    async def settle(self) -> None:
        """As its process would: what a round wrote wakes whoever waits for it."""
        stood = -1
        while (stands := (await self.documents.changes(0))[-1].resource_version) != stood:
            stood = stands
            await super().settle()

    async def at(self, seconds: float, *, works: bool = True) -> None:
        """The clock shows a time, and the controller looks; the workers work unless it is said otherwise."""
        self.clock.seconds = seconds
        await (self.live() if works else self.settle())

    async def nights(self) -> dict[str, str]:
        """The phase of every night by its name."""
        found = await self.documents.list("Campaign")
        return {one["metadata"]["name"]: one["status"]["phase"] for one in found if "schedule" not in one["spec"]}

    async def edit(self, name: str, **schedule: Any) -> None:
        document = await self.documents.get("Campaign", "default", name)
        document["spec"]["schedule"].update(schedule)
        await self.documents.replace(document)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Nights]:
    made = Nights(tmp_path)
    yield made
    made.close()


async def test_night_after_night_the_campaign_is_made_again_and_the_oldest_are_forgotten(world: Nights) -> None:
    await world.scheduled()
    assert (await world.status("Campaign", "spring"))["phase"] == "Scheduled"
    assert await world.nights() == {}
    for number in range(5):
        await world.at(TONIGHT + number * DAY)
    assert await world.nights() == {f"spring-202701{day}t0130": "Complete" for day in ("18", "19", "20")}
    status = await world.status("Campaign", "spring")
    assert (status["phase"], status["nextScheduleTime"]) == ("Scheduled", "2027-01-21T01:30:00Z")
    assert status["lastScheduleTime"] == "2027-01-20T01:30:00Z"
    assert (status["lastNight"]["phase"], status["lastNight"]["progress"]) == ("Complete", "20/20")
    assert len(list(world.workers_store.list("record/deleted/"))) == 2
    assert len(list(world.workers_store.list("record/campaign/"))) == 5, "what they drew stays"


async def test_at_the_end_of_its_window_a_night_leaves_what_has_not_begun(world: Nights) -> None:
    await world.scheduled()
    await world.at(TONIGHT, works=False)
    night = "spring-20270116t0130"
    assert (await world.status("Campaign", night))["phase"] == "Generating"
    assert (await world.status("Campaign", "spring"))["active"] == [night]
    assert world.rounds.seconds_until_next(Place("Campaign", "default", night)) == 5 * HOUR
    await world.at(TONIGHT + 5 * HOUR, works=False)
    status = await world.status("Campaign", night)
    assert (status["phase"], status["reason"], status["progress"]) == ("Ended", "WindowEnded", "0/20")
    uid = (await world.documents.get("Campaign", "default", night))["metadata"]["uid"]
    assert world.dispatcher.wanted[uid] == {}, "its chunks were withdrawn"
    told = await world.status("Campaign", "spring")
    assert (told["lastNight"]["name"], told["lastNight"]["reason"]) == (night, "WindowEnded")
    await world.live()
    assert (await world.status("Campaign", night))["progress"] == "0/20"


async def test_a_night_whose_brand_awaits_a_word_waits_as_any_campaign_does(world: Nights) -> None:
    await world.documents.create(builders.project())
    await world.live()
    await world.scheduled(is_trained=False)
    await world.at(TONIGHT)
    night = "spring-20270116t0130"
    status = await world.status("Campaign", night)
    assert (status["phase"], status["reason"]) == ("Waiting", "AwaitingApproval")
    await world.documents.create(builders.review())
    await world.live()
    assert (await world.status("Campaign", night))["phase"] == "Complete"


async def test_while_the_last_night_is_at_work_the_next_waits_and_begins_when_it_is_over(world: Nights) -> None:
    await world.scheduled(cron="0 * * * *", window="3h")
    await world.at(TONIGHT + 0.5 * HOUR, works=False)
    await world.at(TONIGHT + 1.5 * HOUR, works=False)
    assert await world.nights() == {"spring-20270116t0200": "Generating"}
    assert (await world.status("Campaign", "spring"))["reason"] == "LastNightAtWork"
    await world.at(TONIGHT + 1.6 * HOUR)
    assert await world.nights() == {"spring-20270116t0200": "Complete", "spring-20270116t0300": "Complete"}


async def test_replace_withdraws_what_the_last_night_has_not_drawn(world: Nights) -> None:
    await world.scheduled(cron="0 * * * *", window="3h", concurrency="replace")
    await world.at(TONIGHT + 0.5 * HOUR, works=False)
    await world.at(TONIGHT + 1.5 * HOUR, works=False)
    assert await world.nights() == {"spring-20270116t0200": "Ended", "spring-20270116t0300": "Generating"}
    replaced = await world.status("Campaign", "spring-20270116t0200")
    assert replaced["reason"] == "Replaced"
    assert "spring-20270116t0300 took its place" in replaced["message"]


async def test_a_farm_that_was_down_for_the_night_leaves_it_out_or_runs_it_late(world: Nights) -> None:
    await world.scheduled()
    world.new_controller()
    await world.at(TONIGHT + 6 * HOUR)
    assert await world.nights() == {}
    assert (await world.status("Campaign", "spring"))["lastNight"]["reason"] == "WindowMissed"
    await world.edit("spring", missed="run")
    await world.at(TONIGHT + 7 * HOUR)
    assert await world.nights() == {}, "what was left out stays so"
    world.new_controller()
    await world.at(TONIGHT + DAY + 6 * HOUR)
    assert await world.nights() == {"spring-20270117t0130": "Complete"}


async def test_a_suspended_schedule_lets_its_night_finish_and_begins_none(world: Nights) -> None:
    await world.scheduled()
    await world.at(TONIGHT, works=False)
    await world.edit("spring", suspend=True)
    await world.at(TONIGHT + 60)
    assert (await world.status("Campaign", "spring"))["phase"] == "Suspended"
    await world.at(TONIGHT + DAY)
    assert await world.nights() == {"spring-20270116t0130": "Complete"}
    await world.edit("spring", suspend=False)
    await world.at(TONIGHT + DAY + HOUR)
    assert len(await world.nights()) == 2


async def test_somebody_elses_campaign_of_a_nights_name_is_left_alone(world: Nights) -> None:
    await world.scheduled()
    await world.documents.create(builders.campaign("spring-20270116t0130", looks=[{"brand": "nobody"}]))
    await world.at(TONIGHT)
    assert (await world.status("Campaign", "spring"))["reason"] == "NameTaken"
    await world.documents.delete("Campaign", "default", "spring-20270116t0130")
    await world.at(TONIGHT + 60)
    assert await world.nights() == {"spring-20270116t0130": "Complete"}


async def test_a_deleted_schedule_takes_its_nights_with_it(world: Nights) -> None:
    await world.scheduled()
    await world.at(TONIGHT, works=False)
    await world.documents.delete("Campaign", "default", "spring")
    await world.live()
    assert await world.documents.list("Campaign") == []
    assert all(not jobs for jobs in world.dispatcher.wanted.values())


async def test_a_schedule_reads_its_own_nights_and_none_of_the_campaigns_beside_them(world: Nights) -> None:
    await world.scheduled()
    for name in ("autumn", "spring-fever", "spring-20270116"):
        await world.documents.create(builders.campaign(name))
    await world.at(TONIGHT, works=False)
    read: list[str] = []
    get = world.documents.get

    async def noted(kind: str, namespace: str, name: str) -> dict[str, Any]:
        read.append(name)
        return await get(kind, namespace, name)

    world.documents.get = noted  # type: ignore[method-assign]
    await world.rounds.look(Place("Campaign", "default", "spring"))
    assert sorted(set(read)) == ["spring", "spring-20270116t0130"]


async def test_a_night_wakes_its_schedule(world: Nights) -> None:
    await world.scheduled()
    await world.at(TONIGHT, works=False)
    night = Place("Campaign", "default", "spring-20270116t0130")
    assert world.rounds.waiting_for(night) == [Place("Campaign", "default", "spring")]


async def lived(folder: Path, kill_after: int) -> tuple[dict[str, Any], int, int]:
    """Two nights, with the controller ended after a manifest that it wrote; all that there is in the end, restarts, and writes."""
    world = Nights(folder)
    try:
        keeps_none = {"complete": 0, "failed": 0}
        await world.scheduled(cron="0 2,3 * * *", window="3h", concurrency="replace", history=keeps_none)
        world.pen.kill_after = kill_after
        for moment in (TONIGHT + 0.5 * HOUR, TONIGHT + 1.5 * HOUR, TONIGHT + 5 * HOUR):
            world.clock.seconds = moment
            await settled(world)
        await world.live()
        return await world.account(), world.restarts, world.pen.effects
    finally:
        world.close()


async def settled(world: Nights) -> None:
    """The controller alone until it is at rest; a killed one is started again."""
    while True:
        try:
            return await world.settle()
        except Killed:
            world.restarts += 1
            world.new_controller()


async def test_a_controller_that_is_killed_after_any_manifest_that_it_wrote_leaves_the_same(tmp_path: Path) -> None:
    whole, restarts, writes = await lived(tmp_path / "whole", 0)
    assert (restarts, writes) == (0, 5), "two nights made, one ended, two forgotten"
    for kill_after in range(1, writes + 1):
        account, restarts, _ = await lived(tmp_path / str(kill_after), kill_after)
        assert restarts == 1
        assert account == whole, f"killed after write {kill_after}"
