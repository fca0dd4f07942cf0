"""A controller's life beside others: it waits until it leads, and ends when it leads no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from cluster import uploads
from cluster.client import DispatcherClient
from cluster.clocks import MachineClock
from jobs.errors import LeadershipLost, StaleTerm
from operators import main
from operators.health import READYZ, Health
from operators.main import Process
from operators.recorders import LogRecorder
from operators.settings import Settings
from operators.surroundings import Surroundings
from tests import builders
from tests.operators.world import World

pytestmark = pytest.mark.anyio


class Lease:
    """A lease that is won and lost when the test says so."""

    uid = "lease-uid-1"

    def __init__(self, term: int = 3) -> None:
        self.term, self.is_won, self.is_lost = term, asyncio.Event(), asyncio.Event()

    async def win(self) -> int:
        await self.is_won.wait()
        return self.term

    async def hold(self) -> NoReturn:
        await self.is_lost.wait()
        raise LeadershipLost("Another has it now.", hint="Nothing to do.")

    async def release(self) -> None:
        raise AssertionError("whoever opened it gives it back")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def process(world: World, lease: Lease | None) -> Process:
    name = "farm/controller" if lease else ""
    there = Surroundings(world.documents, LogRecorder(), leadership=lease, lease=name)
    dispatcher = cast(DispatcherClient, world.dispatcher)
    return Process(there, world.store, dispatcher, MachineClock(), Settings())


async def declare(world: World, folder: Path) -> None:
    """A brand whose pictures lie in the store, so that it wants them taken in."""
    folder.mkdir()
    (folder / "sock.png").write_bytes(b"no picture, but a file")
    source = uploads.write_upload(world.workers_store, folder)
    rights = {"owner": "Studio A", "basis": "owned"}
    await world.documents.create(builders.project(dataset={"source": source, "rights": rights}))


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(90):
        while not is_so():
            await asyncio.sleep(0.005)


async def end(task: asyncio.Task[NoReturn]) -> BaseException | None:
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.exception()


async def test_a_standby_does_nothing_until_it_leads_and_then_speaks_in_its_term(world: World, tmp_path: Path) -> None:
    await declare(world, tmp_path / "socks")
    lease = Lease()
    one = process(world, lease)
    running = asyncio.create_task(one.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert (world.fate.effects, world.dispatcher.newest_term, one.metrics()) == (0, 0, b"")
    lease.is_won.set()
    await until(lambda: world.dispatcher.newest_term == 3 and world.dispatcher.origins)
    (origin,) = world.dispatcher.origins.values()
    assert (origin.home, origin.kind, origin.name) == ("lease-uid-1", "BrandProject", "stable-socks")
    assert b"brandfarm_controller_" in one.metrics()
    assert await end(running) is None


async def test_without_a_lease_it_leads_at_once(world: World, tmp_path: Path) -> None:
    await declare(world, tmp_path / "socks")
    running = asyncio.create_task(process(world, None).run())
    await until(lambda: world.dispatcher.origins)
    assert world.dispatcher.newest_term == 0
    assert await end(running) is None


async def test_a_lost_lease_ends_it(world: World) -> None:
    lease = Lease()
    lease.is_won.set()
    running = asyncio.create_task(process(world, lease).run())
    await until(lambda: world.dispatcher.newest_term == 3)
    lease.is_lost.set()
    await asyncio.wait([running])
    assert isinstance(running.exception(), BaseExceptionGroup)


async def test_a_controller_whose_term_is_over_ends_and_says_nothing_more(world: World, tmp_path: Path) -> None:
    await declare(world, tmp_path / "socks")
    world.dispatcher.newest_term = 4
    lease = Lease(term=3)
    lease.is_won.set()
    running = asyncio.create_task(process(world, lease).run())
    await asyncio.wait([running], timeout=20)
    error = running.exception()
    assert isinstance(error, BaseExceptionGroup)
    assert error.subgroup(StaleTerm) is not None
    assert "status" not in await world.documents.get("BrandProject", "default", "stable-socks")


@pytest.mark.parametrize("lost", [LeadershipLost("Another has it now."), StaleTerm("One of term 4 leads.")])
def test_whoever_leads_no_more_ends_with_one_line_and_code_1(
    lost: Exception, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def serve(_: Settings) -> None:
        raise BaseExceptionGroup("the controller", [BaseExceptionGroup("its loops", [lost])])

    monkeypatch.setattr(main, "_serve", serve)
    assert main.main() == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert str(lost) in line


def test_it_is_ready_once_its_manifests_were_listed() -> None:
    synced: list[bool] = []
    health = Health(lambda: b"", "a-token", lambda: bool(synced))
    assert health.answer("GET", READYZ, "").status == HTTPStatus.SERVICE_UNAVAILABLE
    assert health.answer("GET", "/healthz", "").status == HTTPStatus.OK
    synced.append(True)
    assert health.answer("GET", READYZ, "").status == HTTPStatus.OK


def test_its_namespaces_are_a_list_with_commas() -> None:
    assert Settings(namespaces=" studio-a, studio-b,").watched_namespaces == ("studio-a", "studio-b")
    assert Settings().watched_namespaces == ()
