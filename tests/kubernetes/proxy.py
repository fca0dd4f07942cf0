"""A door in front of an API server that cuts, stalls and refuses, as a bad network and a busy server do. Speaks plain HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from cluster.kube.connections import Sockets
from tests.kubernetes.truth import gone
from tests.tools.kube import KubeApi


class Proxy:
    """Passes everything on, unless it is told otherwise."""

    def __init__(self, api: KubeApi) -> None:
        self._api, self._trust = api, ssl.create_default_context(cafile=str(api.ca))
        self.asked = Counter[str]()  # by method, watches and lists of one by words of their own
        self.refusals: list[web.Response] = []  # the answers of the next requests that are no watches
        self.is_silent = False  # watches hear nothing more, and do not end
        self.is_deaf = False  # no connection is answered
        self.half_lines = 0  # so many of the next events are cut in the middle
        self.forgettings: list[str] = []  # how the next watches hear that their version is forgotten: "status", "event"
        self._watches: set[asyncio.Task[object] | None] = set()
        self._behind = Sockets()  # to the API server

    def cut(self) -> None:
        """Breaks every watch."""
        for task in list(self._watches):
            if task is not None:
                task.cancel()

    async def close(self) -> None:
        """Breaks off what is open to the API server."""
        await self._behind.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request, passed on or spoiled."""
        is_watch = request.query.get("watch") == "true"
        self.asked["WATCH" if is_watch else "PEEK" if request.query.get("limit") == "1" else request.method] += 1
        if self.is_deaf:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if self.forgettings and is_watch:
            return _forgotten(self.forgettings.pop(0))
        if self.refusals and not is_watch:
            return self.refusals.pop(0)
        trust = aiohttp.TCPConnector(ssl=self._trust, socket_factory=self._behind.make)
        async with aiohttp.ClientSession(connector=trust, auto_decompress=False) as session:
            body = await request.read()
            headers = {key: value for key, value in request.headers.items() if key not in ("Host", "Accept-Encoding")}
            headers["Authorization"] = f"Bearer {self._api.token}"
            url = f"{self._api.url}{request.rel_url}"
            try:
                async with session.request(request.method, url, data=body, headers=headers) as answer:
                    if not is_watch:
                        return web.Response(
                            status=answer.status, body=await answer.read(), content_type="application/json"
                        )
                    return await self._pass_on(request, answer)
            except aiohttp.ClientError:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()

    async def _pass_on(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        told = web.StreamResponse(status=answer.status)
        await told.prepare(request)
        task = asyncio.current_task()
        self._watches.add(task)
        try:
            async for line in answer.content:
                while self.is_silent:
                    await asyncio.sleep(0.05)
                if self.is_deaf:  # it was asked before, and not cut because it had not begun
                    break
                if self.half_lines:
                    self.half_lines -= 1
                    await told.write(line[: len(line) // 2])
                    break
                await told.write(line)
        except (asyncio.CancelledError, ConnectionError):
            pass  # the watch was cut, by a test or by whoever had asked: the connection is aborted below
        finally:
            self._watches.discard(task)
        if request.transport is not None:
            request.transport.abort()
        return told


class Door:
    """The way through a proxy, as a client's access."""

    def __init__(self, url: str) -> None:
        self.configuration, self.namespace = Configuration(host=url), "default"

    async def refresh(self) -> None:
        """Nothing ages."""


@asynccontextmanager
async def in_front_of(api: KubeApi) -> AsyncIterator[tuple[Proxy, Door]]:
    """A proxy before an API server, and the way through it."""
    proxy = Proxy(api)
    server = web.Server(proxy.answer)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield proxy, Door(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        proxy.cut()
        await runner.cleanup()
        await proxy.close()


def _forgotten(form: str) -> web.Response:
    if form == "status":
        return refusal(410, "Expired")
    return web.Response(text=json.dumps(gone()) + "\n", content_type="application/json")


def refusal(status: int, reason: str, **headers: str) -> web.Response:
    """An answer of Kubernetes that is none."""
    body = json.dumps({"kind": "Status", "code": status, "reason": reason, "message": f"spoiled: {reason}"})
    return web.Response(status=status, text=body, headers=headers, content_type="application/json")
