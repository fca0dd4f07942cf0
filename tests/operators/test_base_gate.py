"""What becomes of a brand whose base is unknown, or whose licence nobody accepted; and that a base under an old name is no edit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import keys, publish
from jobs.errors import BaseUnknown, StoreUnavailable
from tests import builders
from tests.builders import digest
from tests.operators.world import World

pytestmark = pytest.mark.anyio
CLOSED = builders.listed("tiny", licence="CC-BY-NC-4.0", commercial=False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


async def facts(world: World) -> dict[str, tuple[str, str]]:
    status = await world.status("BrandProject", "stable-socks")
    return {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}


async def versions(world: World) -> list[dict[str, Any]]:
    uid = (await world.documents.get("BrandProject", "default", "stable-socks"))["metadata"]["uid"]
    found = [publish.read(world.workers_store, key) for key in world.workers_store.list(keys.versions(uid))]
    return [body for body in found if body is not None]


async def choose(world: World, **base: str) -> None:
    document = await world.documents.get("BrandProject", "default", "stable-socks")
    document["spec"]["base"] = base
    await world.documents.replace(document)


async def test_a_forbidding_licence_trains_nothing_until_it_is_accepted(world: World) -> None:
    world.bases["tiny"] = CLOSED
    await world.documents.create(builders.project())
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["reason"]) == ("Failed", "LicenceForbids")
    assert "spec.base.acceptLicence to 'CC-BY-NC-4.0'" in status["message"]
    assert (await facts(world))["Trained"] == ("False", "LicenceForbids")
    assert (await facts(world))["DatasetReady"] == ("True", "TakenIn")
    assert (await facts(world))["Degraded"] == ("True", "LicenceForbids")
    assert await versions(world) == []
    await choose(world, name="tiny", acceptLicence="CC-BY-NC-4.0")
    await world.live()
    assert [(one["licence"], one["base"]) for one in await versions(world)] == [("CC-BY-NC-4.0", digest("tiny"))]
    assert (await world.status("BrandProject", "stable-socks"))["phase"] == "AwaitingApproval"


async def test_the_refusal_is_told_before_the_pictures_are_taken_in(world: World) -> None:
    world.bases["tiny"] = CLOSED
    await world.documents.create(builders.project())
    await world.settle()
    assert (await world.status("BrandProject", "stable-socks"))["reason"] == "LicenceForbids"
    assert (await facts(world))["DatasetReady"][0] == "False"


async def test_what_was_accepted_when_it_was_trained_stays(world: World) -> None:
    await world.documents.create(builders.project(gate={"approvals": 0}))
    await world.live()
    world.bases["tiny"] = replace(CLOSED, digest=digest("better weights"))
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["phase"], status["serving"], len(await versions(world))) == ("Ready", "v1", 1)


async def test_better_weights_under_the_same_name_retrain_nothing_by_themselves(world: World) -> None:
    await world.documents.create(builders.project())
    await world.live()
    world.bases["tiny"] = builders.listed("tiny", digest=digest("better weights"))
    await world.live()
    assert [one["base"] for one in await versions(world)] == [digest("tiny")]


async def test_an_unknown_base_is_trained_on_once_it_was_added(world: World) -> None:
    def none_yet(name: str) -> Any:
        raise BaseUnknown(f"The catalogue has no base model named {name!r}.", hint="Add it with `brandfarm base add`.")

    known, world.bases = world.bases, _Asked(none_yet)
    world.new_controller()
    await world.documents.create(builders.project())
    await world.live()
    status = await world.status("BrandProject", "stable-socks")
    assert (status["reason"], "brandfarm base add" in status["message"]) == ("BaseUnknown", True)
    world.bases = known
    world.new_controller()
    await world.live()
    assert len(await versions(world)) == 1


async def test_a_catalogue_that_cannot_be_asked_is_asked_again_and_not_taken_for_empty(world: World) -> None:
    def silent(_name: str) -> Any:
        raise StoreUnavailable("The store is silent.")

    world.bases = _Asked(silent)
    world.new_controller()
    await world.documents.create(builders.project())
    with pytest.raises(StoreUnavailable):
        await world.settle()


class _Asked(dict[str, Any]):
    """A catalogue that answers by a function."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def __getitem__(self, name: str) -> Any:
        return self._answer(name)
