"""How often a status is written, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operators.places import Place
from operators.rounds import Rounds
from tests import builders
from tests.operators.world import World

pytestmark = pytest.mark.anyio

SOCKS = Place("BrandProject", "default", "stable-socks")


class Heard:
    """A recorder that remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def tell(self, document: dict[str, Any], kind: str, reason: str, message: str) -> None:
        assert message
        self.told.append((document["metadata"]["name"], reason))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def paced(world: World, seconds: float = 2.0) -> Rounds:
    """The world's rounds, with that many seconds between two statuses."""
    rounds = world.new_controller()
    rounds._status_seconds = seconds
    return rounds


async def versions(world: World) -> int:
    return int((await world.documents.get("BrandProject", "default", "stable-socks"))["metadata"]["resourceVersion"])


async def test_a_status_that_comes_too_soon_is_written_later_and_as_it_is_then(world: World) -> None:
    rounds = paced(world)
    await world.documents.create(builders.project())
    await rounds.look(SOCKS)
    first = await versions(world)
    for why in ("The worker is starting.", "The worker is nearly there."):
        world.dispatcher.waiting_for = why
        world.clock.seconds += 0.5
        assert not await rounds.look(SOCKS)
        assert await versions(world) == first
    assert rounds.seconds_until_next(SOCKS) == 1.0
    assert rounds.resting.of(SOCKS) is None
    world.clock.seconds += 1.0
    await rounds.look(SOCKS)
    assert "nearly there" in (await world.status("BrandProject", "stable-socks"))["message"]
    assert rounds.seconds_until_next(SOCKS) is None


async def test_without_a_pace_every_status_is_written_at_once(world: World) -> None:
    await world.documents.create(builders.project())
    await world.rounds.look(SOCKS)
    world.dispatcher.waiting_for = "The worker is starting."
    await world.rounds.look(SOCKS)
    assert "is starting" in (await world.status("BrandProject", "stable-socks"))["message"]


async def test_a_status_that_says_the_same_is_never_handed_to_the_manifests(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.documents.create(builders.project())
    await world.rounds.look(SOCKS)

    async def refused(*_: Any) -> dict[str, Any]:
        raise AssertionError("an equal status was handed over")

    monkeypatch.setattr(world.documents, "set_status", refused)
    assert not await world.rounds.look(SOCKS)


async def test_a_whole_life_is_told_in_order_and_nothing_twice(world: World) -> None:
    heard = Heard()
    world.rounds._recorder = heard  # type: ignore[assignment]
    await world.documents.create(builders.project())
    await world.documents.create(builders.campaign())
    await world.live()
    await world.documents.create(builders.review())
    await world.live()
    await world.live()
    assert [reason for name, reason in heard.told if name == "stable-socks"] == [
        "Accepted",
        "IntakeQueued",
        "IntakeStarted",
        "DatasetReady",
        "VersionDeclared",
        "TrainingStarted",
        "Trained",
        "AwaitingApproval",
        "Serving",
    ]
    assert [reason for name, reason in heard.told if name == "spring"][-2:] == ["CampaignStarted", "CampaignComplete"]
