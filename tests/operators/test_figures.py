"""What the controller tells Prometheus, and its small port: over the real controller, SQLite and a real store."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from cluster.clocks import MachineClock
from cluster.farm_home import FarmHome
from cluster.folder_store import FolderStore
from cluster.ray_head import free_ports
from jobs.errors import FarmBusy, StoreUnavailable
from operators.controller import Controller
from operators.figures import ControllerFigures
from operators.health import Health, telling
from operators.places import Place
from tests import builders
from tests.operators.test_controller import BRISK, at_work
from tests.operators.test_main import Listener, dispatcher, start  # noqa: F401  (a fixture)
from tests.operators.world import World

pytestmark = pytest.mark.anyio
C = "brandfarm_controller_"
SOCKS = Place("BrandProject", "default", "stable-socks")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[Controller]:
    """A controller at work; only its figures go by the world's clock."""
    controller = Controller(world.documents, world.rounds, world.dispatcher, MachineClock(), BRISK)
    task = asyncio.create_task(controller.run())
    try:
        yield controller
    finally:
        task.cancel()
        await asyncio.wait([task])


def value(text: bytes, name: str, **labels: str) -> float:
    """The sum of the samples of a name; 0 where there is none."""
    families = text_string_to_metric_families(text.decode())
    samples = [sample for family in families for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items())


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(90):
        while not holds():
            await asyncio.sleep(0.01)


async def test_rounds_statuses_and_phases_are_counted_as_a_brand_moves_on(world: World) -> None:
    async with running(world) as controller:
        await world.documents.create(builders.project())
        await until(lambda: value(controller.metrics(), f"{C}manifests", phase="Intake") == 1)
        await at_work(world)
        await at_work(world)
        await until(lambda: value(controller.metrics(), f"{C}manifests", phase="Training") == 1)
        told = controller.metrics()
        assert value(told, f"{C}manifests") == 1
        assert value(told, f"{C}rounds_total", kind="BrandProject", result="ok") >= 2
        assert value(told, f"{C}round_seconds_count") == value(told, f"{C}rounds_total")
        assert value(told, f"{C}status_writes_total", kind="BrandProject") >= 2
        assert value(told, f"{C}relists_total") == 1
        assert value(told, f"{C}away_seconds") == 0
        world.clock.seconds += 90
        assert value(controller.metrics(), f"{C}since_good_round_seconds") == 90
        await world.documents.delete(*vars(SOCKS).values())
        await until(lambda: value(controller.metrics(), f"{C}manifests") == 0)


async def test_a_dispatcher_that_is_away_is_told_with_its_time(world: World) -> None:
    world.dispatcher.is_up = False
    async with running(world) as controller:
        await world.documents.create(builders.project())
        await until(lambda: value(controller.metrics(), f"{C}rounds_total", result="put_off") >= 1)
        world.clock.seconds += 20
        await until(lambda: value(controller.metrics(), f"{C}away_seconds", whom="dispatcher") == 20)
        await until(lambda: value(controller.metrics(), f"{C}queue_depth") == 1)
        world.dispatcher.is_up = True
        await until(lambda: value(controller.metrics(), f"{C}away_seconds", whom="dispatcher") == 0)


async def test_a_store_that_is_away_is_told_with_its_time(world: World) -> None:
    figures = world.rounds.figures

    def look(error: Exception | None = None) -> None:
        with figures.round("Campaign"):
            world.clock.seconds += 5
            if error is not None:
                raise error

    with pytest.raises(StoreUnavailable):
        look(StoreUnavailable("away"))
    assert value(figures.text(0), f"{C}away_seconds", whom="store") == 5
    look()
    assert value(figures.text(0), f"{C}away_seconds", whom="store") == 0
    with pytest.raises(ZeroDivisionError):
        look(ZeroDivisionError())
    results = {one: value(figures.text(3), f"{C}rounds_total", result=one) for one in ("ok", "put_off", "broken")}
    assert results == {"ok": 1, "put_off": 1, "broken": 1}
    assert value(figures.text(3), f"{C}queue_depth") == 3
    assert value(figures.text(3), f"{C}round_seconds_sum", kind="Campaign") == 15


async def test_an_edit_between_reading_and_saying_is_a_conflict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.documents.create(builders.project())
    hand_over = world.dispatcher.put_jobs

    async def edited_meanwhile(uid, wanted):
        document = await world.documents.get(*vars(SOCKS).values())
        document["spec"]["dataset"]["minImages"] = 9
        await world.documents.replace(document)
        return await hand_over(uid, wanted)

    monkeypatch.setattr(world.dispatcher, "put_jobs", edited_meanwhile)
    assert await world.rounds.look(SOCKS)
    assert value(world.rounds.figures.text(0), f"{C}conflicts_total") == 1


async def test_one_job_is_told_when_it_is_first_wanted_and_when_it_has_ended(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await world.documents.create(builders.project())
        await world.live()
    told = [line for line in lines if line["event"] in ("wanted", "seen done")]
    first, intake = told[0], world.dispatcher.begun[0]
    assert (first["event"], first["job"], first["kind"]) == ("wanted", intake.id, "intake")
    assert (first["project"], first["manifest"], first["name"]) == (
        intake.hints.project,
        "BrandProject",
        "stable-socks",
    )
    wanted = [line["job"] for line in told if line["event"] == "wanted"]
    assert len(wanted) == len(set(wanted)) == len(world.dispatcher.begun)


# Its port.


async def asked(port: int, path: str, token: str = "", method: str = "GET") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)


async def test_the_port_tells_its_health_to_all_and_its_figures_to_those_who_know_the_token() -> None:
    figures = ControllerFigures(lambda: 0.0)
    async with telling(Health(lambda: figures.text(2), "sesame"), "127.0.0.1", 0) as port:
        assert (await asked(port, "/healthz")).text == "ok\n"
        refused, wrong = await asked(port, "/metrics"), await asked(port, "/metrics", "wrong")
        told = await asked(port, "/metrics?name=all", "sesame")
        elsewhere, written = await asked(port, "/v1/owners"), await asked(port, "/metrics", "sesame", "POST")
        assert [one.status_code for one in (refused, wrong, told, elsewhere, written)] == [401, 401, 200, 404, 404]
        assert f"{C}queue_depth 2.0" in told.text
        with pytest.raises(FarmBusy, match="cannot tell its figures"):
            async with telling(Health(bytes), "127.0.0.1", port):
                raise AssertionError("one port, one owner")


async def test_the_port_bears_those_who_speak_no_http_or_leave() -> None:
    async with telling(Health(lambda: b"figures\n"), "127.0.0.1", 0) as port:
        for words in (b"", b"hello\r\n\r\n", b"x" * 100_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(words)
            writer.write_eof()
            answer = await reader.read()
            assert answer == b"" or b"400 Bad Request" in answer
            writer.close()
        assert (await asked(port, "/metrics")).text == "figures\n"


async def test_the_process_opens_its_port_where_it_is_told_to(tmp_path: Path, dispatcher: Listener) -> None:  # noqa: F811
    home = FarmHome(tmp_path)
    home.prepare()
    FolderStore(home.store)
    home.token()
    (port,) = free_ports(1)
    chosen = {"BRANDFARM_METRICS_PORT": str(port), "BRANDFARM_METRICS_OPEN": "true"}
    process = start(tmp_path, BRANDFARM_DISPATCHER=dispatcher.url, **chosen)
    try:
        await asyncio.to_thread(dispatcher.asked.wait, 60)
        told, health = await asked(port, "/metrics"), await asked(port, "/healthz")
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert (told.status_code, health.status_code) == (200, 200)
    assert f"{C}since_good_round_seconds" in told.text
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["process"] for line in lines} == {"controller"}
    assert process.returncode == 0
