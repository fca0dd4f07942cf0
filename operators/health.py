"""The controller's own small port: `/healthz` and `/readyz` for probes, `/metrics` for Prometheus. It tells, and takes no orders.

A few lines over asyncio: the controller is installed without a web framework, and answers only if its loop is alive.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from jobs.errors import FarmBusy

PATIENCE_SECONDS = 5.0
LONGEST_REQUEST = 16 * 1024

METRICS, HEALTHZ, READYZ = "/metrics", "/healthz", "/readyz"


@dataclass(frozen=True)
class Answer:
    """What is told: a status, and a text."""

    status: HTTPStatus
    body: bytes
    content: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Health:
    """What is told at which path. An empty token leaves the figures open; the probes always are."""

    metrics: Callable[[], bytes]
    token: str = ""
    is_ready: Callable[[], bool] = lambda: True

    def answer(self, method: str, path: str, authorization: str) -> Answer:
        """The answer to one request."""
        if method != "GET" or path not in (METRICS, HEALTHZ, READYZ):
            return Answer(HTTPStatus.NOT_FOUND, b"GET /healthz, GET /readyz or GET /metrics\n")
        if path == READYZ and not self.is_ready():
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"The manifests have not been listed yet.\n")
        if path in (HEALTHZ, READYZ):
            return Answer(HTTPStatus.OK, b"ok\n")
        if self.token and not secrets.compare_digest(authorization.encode(), f"Bearer {self.token}".encode()):
            told = b"Send the farm's token as `Authorization: Bearer ...`, or set BRANDFARM_METRICS_OPEN=true.\n"
            return Answer(HTTPStatus.UNAUTHORIZED, told)
        return Answer(HTTPStatus.OK, self.metrics(), CONTENT_TYPE_PLAIN_0_0_4)


@asynccontextmanager
async def telling(health: Health, host: str, port: int) -> AsyncIterator[int]:
    """Answer at a port while inside; the port, where 0 was asked for. Raises FarmBusy where it is taken."""

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _attend(health, reader, writer)

    try:
        server = await asyncio.start_server(attend, host, port, limit=LONGEST_REQUEST)
    except OSError as taken:
        raise FarmBusy(
            f"The controller cannot tell its figures at {host}:{port}: {taken.strerror or taken}.",
            hint="Choose another BRANDFARM_METRICS_PORT, or 0 for none.",
        ) from taken
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _attend(health: Health, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_written(_read(health, head)))
            await writer.drain()
    except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return  # whoever asked has gone, or spoke no HTTP
    finally:
        writer.close()


def _read(health: Health, head: bytes) -> Answer:
    request, *lines = head.decode("latin-1").split("\r\n")
    words = request.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if len(words) != 3:
        return Answer(HTTPStatus.BAD_REQUEST, b"This port speaks HTTP/1.1.\n")
    return health.answer(words[0], words[1].partition("?")[0], headers.get("authorization", ""))


def _written(answer: Answer) -> bytes:
    head = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content}",
        f"Content-Length: {len(answer.body)}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + answer.body
