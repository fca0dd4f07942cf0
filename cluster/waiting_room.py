"""Answers probes while the dispatcher waits for Ray's head: the process lives, and is not ready. Knows no dispatcher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog

from jobs.errors import WorkerLost

RETRY_SECONDS = 2.0
TELL_SECONDS = 30.0

_ALIVE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\nConnection: close\r\n\r\n" + (
    b'{"status": "ok"}'
)
_NOT_READY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

T = TypeVar("T")

log = structlog.get_logger("dispatcher")


@asynccontextmanager
async def waiting_room(host: str, port: int) -> AsyncIterator[None]:
    """While inside, /healthz says that all is well, and everything else that nothing can be done yet."""
    server = await asyncio.start_server(_answer, host, port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def patiently(join: Callable[[], Awaitable[T]], patience_seconds: float, now: Callable[[], float]) -> T:
    """Try to join until it works. Raises WorkerLost of the last try once patience is over."""
    began, told = now(), float("-inf")
    while True:
        try:
            return await join()
        except WorkerLost as absent:
            if now() - began >= patience_seconds:
                raise
            if now() - told >= TELL_SECONDS:
                told = now()
                log.warning("waiting for Ray's head", found=absent.message, waited_seconds=round(now() - began))
        await asyncio.sleep(RETRY_SECONDS)


async def require_listener(address: str) -> None:
    """Cheap and quick, where joining takes half a minute to find nobody. Raises WorkerLost where nobody listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return  # `auto`, or whatever else Ray makes of it
    try:
        async with asyncio.timeout(RETRY_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    except (OSError, TimeoutError) as absent:
        raise WorkerLost(f"Nobody listens at {address}: {absent}", hint="Is Ray's head running?") from absent


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readline()
    writer.write(_ALIVE if request.startswith(b"GET /healthz ") else _NOT_READY)
    try:
        await writer.drain()
    except ConnectionError:
        log.debug("a probe did not wait for its answer")
    writer.close()
