"""Recorders: a line of the log for a farm without a Kubernetes, and one that writes beside whoever tells, so that nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal, NoReturn

import structlog

from cluster.ports import Recorder

MOST_WAITING = 4000
"""A server that is so far behind is not told what else befell: conditions carry the state, events only the story."""

FAREWELL_SECONDS = 2.0
"""How long a controller that ends still writes what it was told."""

Told = tuple[dict[str, Any], Literal["Normal", "Warning"], str, str]

log = structlog.get_logger("controller")


class LogRecorder:
    """The Recorder port over the log."""

    async def tell(
        self, document: dict[str, Any], kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """One line: which manifest, what befell it, in which words."""
        metadata = document["metadata"]
        fields = {"manifest": document["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}
        say = log.info if kind == "Normal" else log.warning
        say("befell", reason=reason, told=message, **fields)


class Aside:
    """The Recorder port before another recorder: takes what is told at once, and writes it later, one after another.

    So stories take one connection of the server at most, and statuses the others.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting = asyncio.Queue[Told](MOST_WAITING)

    async def tell(
        self, document: dict[str, Any], kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Take it; of the document only what names it is kept."""
        head = {key: document[key] for key in ("apiVersion", "kind", "metadata")}
        try:
            self._waiting.put_nowait((head, kind, reason, message))
        except asyncio.QueueFull:
            log.warning("event not written", told=reason, manifest=head["metadata"]["name"], error="too many wait")

    async def write(self) -> NoReturn:
        """Write what comes, for ever."""
        while True:
            told = await self._waiting.get()
            try:
                await self._recorder.tell(*told)
            except Exception:  # our own mistake; one event must not stop the others
                log.exception("event not written", told=told[2])
            self._waiting.task_done()

    async def written(self) -> None:
        """Returns once nothing waits."""
        await self._waiting.join()


@asynccontextmanager
async def aside(recorder: Recorder) -> AsyncIterator[Aside]:
    """A recorder that writes while inside; at the end what waits is written, if that is soon done."""
    taking = Aside(recorder)
    writing = asyncio.create_task(taking.write())
    try:
        yield taking
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await taking.written()
        writing.cancel()
        await asyncio.wait([writing])
