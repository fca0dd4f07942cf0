"""The dispatcher's HTTP face and its client, over a real server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from cluster.api import create_app
from cluster.client import TOKEN_HEADER, DispatcherClient
from cluster.clocks import MachineClock
from cluster.engine import Engine, Pace
from cluster.folder_store import FolderStore
from cluster.local_fleet import LocalFleet
from cluster.ports import CancelOrder, WantedSet
from cluster.worker import Worker
from jobs import keys
from jobs.errors import DispatcherUnavailable, NotFound, Unauthorized
from tests.cluster.dispatching import training, wanted
from tests.fakes.workbench import FakeWorkbench

TOKEN = "a-token-of-this-test"
SOCK, MUG = training(1, base="fake"), training(2, base="fake", gpu_classes=("a100",))
QUICK = Pace(poll=0.05, breath=0.0, fleet=0.01, tick=0.01, away=0.01)


class Farm:
    """A dispatcher behind a real server, over one worker."""

    def __init__(self, root: Path) -> None:
        self.store = FolderStore(root)
        self.fleet = LocalFleet([Worker("w1", lambda: FakeWorkbench(self.store, 5))])
        self.engine = Engine(self.fleet, self.store, MachineClock(), QUICK)
        self.url = ""

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[DispatcherClient]:
        """A client of the server, while it answers; the engine is not started."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = create_app(self.engine, TOKEN)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.002)
        try:
            async with DispatcherClient(self.url, TOKEN) as client:
                yield client
        finally:
            server.should_exit = True
            await serving

    @asynccontextmanager
    async def in_charge(self) -> AsyncIterator[DispatcherClient]:
        """A client of a dispatcher that is in charge and ready."""
        running = asyncio.create_task(self.engine.run())
        async with self.answering() as client:
            while not await client.is_ready():
                await asyncio.sleep(0.002)
            yield client
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(tmp_path)


def played(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, 60))


def test_a_controller_states_its_set_is_woken_and_sees_it_done(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge() as client:
            report = await client.put_jobs("owner", wanted(SOCK))
            assert report.epoch == 1
            assert report.states[SOCK.id].state == "waiting"
            last = await client.events(0, 1.0)
            while (await client.owner("owner")).states[SOCK.id].state != "done":
                farm.fleet.turn()
                last = await client.events(last.number, 0.05)
            assert last.epoch == 1
            assert (await client.job(SOCK.id)).state == "done"
            assert await client.why(SOCK.id) == "It is done: its record stands in the store."
            summary = await client.summary()
            assert (summary.done, summary.waiting, [one.name for one in summary.workers]) == (1, 0, ["w1"])
            assert (await client.put_jobs("owner", WantedSet())).states == {}

    played(scene())


def test_a_job_that_no_worker_can_take_says_why(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge() as client:
            await client.put_jobs("owner", wanted(MUG))
            sentence = "No worker has a GPU of class a100; those there are of class cpu."
            while await client.why(MUG.id) != sentence:
                await asyncio.sleep(0.005)
            assert (await client.job(MUG.id)).waiting_for == sentence
            assert (await client.retry(MUG.id)).state == "waiting"

    played(scene())


def test_a_cancelled_job_tells_who_wanted_that_and_comes_back_on_a_retry(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge() as client:
            for owner in ("one", "other"):
                await client.put_jobs(owner, wanted(MUG))
            assert (await client.job(MUG.id)).owners == ("one", "other")
            while (await client.cancel(MUG.id, CancelOrder(by="lead", reason="too dark"))).state != "failed":
                await asyncio.sleep(0.005)
            report = await client.job(MUG.id)
            assert report.trouble is not None
            assert (report.trouble.reason, report.trouble.message) == (
                "Cancelled",
                "It was cancelled by lead: too dark.",
            )
            while not list(farm.store.list(keys.failures(MUG.id))):
                await asyncio.sleep(0.005)
            assert (await client.retry(MUG.id)).state == "waiting"

    played(scene())


def test_what_is_not_known_is_not_found(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge() as client:
            for question in (
                client.owner("nobody"),
                client.job("0" * 64),
                client.why("0" * 64),
                client.cancel("0" * 64, CancelOrder(by="lead")),
                client.retry("0" * 64),
            ):
                with pytest.raises(NotFound):
                    await question

    played(scene())


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer ü"])
def test_without_the_token_nothing_is_told(farm: Farm, header: str | None) -> None:
    async def scene() -> None:
        async with farm.in_charge(), httpx.AsyncClient(base_url=farm.url, trust_env=False) as http:
            headers = {} if header is None else {"Authorization": header.encode()}
            for method, path in (
                ("GET", "/v1/summary"),
                ("GET", "/v1/events"),
                ("GET", "/v1/owners/owner"),
                ("PUT", "/v1/owners/owner/jobs"),
                ("POST", f"/v1/jobs/{SOCK.id}/retry"),
            ):
                answer = await http.request(method, path, headers=headers, content=b"{}")
                assert answer.status_code == 401, path
                assert answer.json()["reason"] == "Unauthorized"
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            assert (await http.get("/openapi.json")).status_code == 404

    played(scene())


def test_a_wrong_token_is_an_error_of_its_own(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge(), DispatcherClient(farm.url, "wrong") as stranger:
            with pytest.raises(Unauthorized, match="wrong one"):
                await stranger.summary()

    played(scene())


@pytest.mark.parametrize(
    ("token", "is_let_in"), [(TOKEN, True), (f"Bearer {TOKEN}", False), ("wrong", False), ("", False)]
)
def test_a_question_that_was_passed_on_shows_the_token_beside_somebody_elses(
    farm: Farm, token: str, is_let_in: bool
) -> None:
    async def scene() -> None:
        async with farm.in_charge(), httpx.AsyncClient(base_url=farm.url, trust_env=False) as http:
            headers = {"Authorization": "Bearer of the API server", TOKEN_HEADER: token}
            assert (await http.get("/v1/summary", headers=headers)).status_code == (200 if is_let_in else 401)
            async with DispatcherClient(farm.url, TOKEN, is_passed_on=True) as client:
                assert (await client.summary()).epoch == 1

    played(scene())


def test_before_it_is_in_charge_it_is_healthy_and_not_ready(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.answering() as client, httpx.AsyncClient(base_url=farm.url, trust_env=False) as http:
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).status_code == 503
            assert not await client.is_ready()
            with pytest.raises(DispatcherUnavailable, match="not taken charge"):
                await client.put_jobs("owner", wanted(SOCK))

    played(scene())


@pytest.mark.parametrize(
    "body",
    [b"not JSON", b'{"jobs": [{"ask": {"kind": "bake"}}]}', b'{"generation": 1, "jobs": [], "extra": "secret-x"}'],
)
def test_a_body_that_cannot_be_read_is_told_without_repeating_it(farm: Farm, body: bytes) -> None:
    async def scene() -> None:
        async with farm.in_charge(), httpx.AsyncClient(base_url=farm.url, trust_env=False) as http:
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            answer = await http.put("/v1/owners/owner/jobs", content=body, headers=headers)
            assert answer.status_code == 422
            assert set(answer.json()) == {"reason", "message", "hint", "retryable"}
            assert "secret-x" not in answer.text

    played(scene())


def test_a_question_that_waits_too_long_is_refused(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.in_charge(), httpx.AsyncClient(base_url=farm.url, trust_env=False) as http:
            answer = await http.get("/v1/events?wait=3600", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.status_code == 422

    played(scene())


def test_a_dispatcher_that_is_not_there_is_unavailable() -> None:
    async def scene() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with DispatcherClient(address, TOKEN) as client:
            assert not await client.is_ready()
            with pytest.raises(DispatcherUnavailable, match="does not answer") as told:
                await client.summary()
        assert told.value.retryable

    played(scene())


@pytest.mark.parametrize(
    ("status", "body"), [(502, b"<html>a proxy</html>"), (200, b'{"epoch": "soon"}'), (200, b"<html>a login</html>")]
)
def test_an_answer_that_is_no_dispatchers_is_unavailability(status: int, body: bytes) -> None:
    async def scene() -> None:
        proxy = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
        async with DispatcherClient("http://farm", TOKEN, transport=proxy) as client:
            with pytest.raises(DispatcherUnavailable):
                await client.summary()

    played(scene())


# Figures.


async def _asked(farm: Farm, token: str = "", *, metrics_are_open: bool = False) -> httpx.Response:
    app = create_app(farm.engine, TOKEN, metrics_are_open=metrics_are_open)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://farm") as client:
        return await client.get("/metrics", headers=headers)


def test_figures_are_told_to_those_who_know_the_token_also_before_there_is_a_charge(farm: Farm) -> None:
    async def scene() -> None:
        refused, wrong, told = await _asked(farm), await _asked(farm, "wrong"), await _asked(farm, TOKEN)
        assert (refused.status_code, wrong.status_code, told.status_code) == (401, 401, 200)
        assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "brandfarm_dispatcher_epoch 0.0" in told.text

    played(scene())


def test_open_figures_open_nothing_else(farm: Farm) -> None:
    async def scene() -> None:
        assert (await _asked(farm, metrics_are_open=True)).status_code == 200
        app = create_app(farm.engine, TOKEN, metrics_are_open=True)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://farm") as client:
            assert (await client.get("/v1/summary")).status_code == 401

    played(scene())
