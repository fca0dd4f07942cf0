"""A dispatcher whose head is not up yet: it waits, says so now and then, and its probes are answered meanwhile."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from cluster import waiting_room
from cluster.ray_head import free_ports
from jobs.errors import Unauthorized, WorkerLost


@pytest.fixture
def free_port() -> int:
    return free_ports(1)[0]


class LateHead:
    """A head that is up at the third try; each try takes ten seconds of a clock that it turns itself."""

    def __init__(self, tries: int = 3) -> None:
        self.seconds, self._left = 0.0, tries

    async def join(self) -> str:
        self.seconds += 10.0
        self._left -= 1
        if self._left:
            raise WorkerLost("nobody there")
        return "joined"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_room, "RETRY_SECONDS", 0.2)


def test_it_joins_a_head_that_comes_up_late() -> None:
    head = LateHead()
    assert asyncio.run(waiting_room.patiently(head.join, 60.0, lambda: head.seconds)) == "joined"


def test_it_gives_up_when_patience_is_over() -> None:
    head = LateHead(tries=10)
    with pytest.raises(WorkerLost, match="nobody there"):
        asyncio.run(waiting_room.patiently(head.join, 35.0, lambda: head.seconds))
    assert head.seconds == 40.0


def test_what_waiting_cannot_mend_is_said_at_once() -> None:
    async def join() -> None:
        raise Unauthorized("no token")

    with pytest.raises(Unauthorized):
        asyncio.run(waiting_room.patiently(join, 1e9, lambda: 0.0))


def test_while_it_waits_it_lives_and_is_not_ready_and_then_the_port_is_free(free_port: int) -> None:
    async def scene() -> list[int]:
        async with waiting_room.waiting_room("127.0.0.1", free_port), httpx.AsyncClient(trust_env=False) as client:
            url = f"http://127.0.0.1:{free_port}"
            return [(await client.get(f"{url}/{path}")).status_code for path in ("healthz", "readyz", "v1/summary")]

    assert asyncio.run(scene()) == [200, 503, 503]
    with socket.create_server(("127.0.0.1", free_port)):
        pass


def test_a_port_where_nobody_listens_is_seen_without_joining(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_room, "RETRY_SECONDS", 60.0)
    with pytest.raises(WorkerLost, match=str(free_port)):
        asyncio.run(waiting_room.require_listener(f"127.0.0.1:{free_port}"))
    with socket.create_server(("127.0.0.1", free_port)):
        asyncio.run(waiting_room.require_listener(f"127.0.0.1:{free_port}"))
    asyncio.run(waiting_room.require_listener("auto"))
