"""The connections to one API server, and their end: nothing is left open behind the loop, though the server says no farewell."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from weakref import WeakSet

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

FAREWELL_SECONDS = 1.0
FAREWELL_TURNS = 100  # of the loop, however long they take: what is shut down is closed by then
READ_BYTES = 2**20  # a watch's lines are long


class Sockets:
    """Makes the sockets of a session's connector, and closes them itself.

    Where a request was broken off, the library would wait for the server's farewell by TLS, for as long as that takes.
    """

    def __init__(self) -> None:
        self._made: WeakSet[socket.socket] = WeakSet()

    def make(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The connector's socket factory."""
        made = socket.socket(*address[:3])
        self._made.add(made)
        return made

    async def close(self) -> None:
        """Ends all that the closed session has left open."""
        for one in self._made:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        turns, given_up = 0, time.monotonic() + FAREWELL_SECONDS
        while any(one.fileno() >= 0 for one in self._made) and (turns < FAREWELL_TURNS or time.monotonic() < given_up):
            turns += 1
            await asyncio.sleep(0)


class Connections:
    """A session with the certificates that the library found. Made inside a running loop, and closed in it."""

    def __init__(self, configuration: Configuration) -> None:
        self._sockets = Sockets()
        trust = RESTClientObject(configuration).ssl_context
        connector = aiohttp.TCPConnector(ssl=trust, socket_factory=self._sockets.make)
        self.session = aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=READ_BYTES)

    async def close(self) -> None:
        """Ends every connection, whatever the server says."""
        await self.session.close()
        await self._sockets.close()
