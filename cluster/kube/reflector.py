"""Keeps a mirror true for ever: list in pages, watch from there, list again where the server has forgotten. Decides no more.

What is known stays known while the server is away.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import NoReturn

import structlog

from cluster.kube.client import KubeClient
from cluster.kube.mirror import Mirror
from cluster.kube.refusals import Expired
from cluster.ports import Change
from jobs.errors import FarmError

log = structlog.get_logger("kube")


@dataclass(frozen=True)
class Patience:
    """How long what is waited for, in seconds."""

    silence: float = 70.0  # a bookmark comes every 60 s; the server keeps what happened for about 75 s
    stream: int = (
        300  # how long the server is asked to keep a watch open, give or take `spread`, so that not all end at once
    )
    spread: int = 60
    first_rest: float = (
        0.5  # after a failure; twice as long after the next one, each half as long or half as long again
    )
    longest_rest: float = 30.0
    refusals: int = 5  # from a server that was just away: it refuses everybody until it has read the roles


class Reflector:
    """One mirror's servant."""

    def __init__(
        self,
        client: KubeClient,
        mirror: Mirror,
        path: str,
        tell: Callable[[Sequence[Change]], None],
        patience: Patience | None = None,
        *,
        chance: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client, self._mirror, self._path, self._tell = client, mirror, path, tell
        self._patience, self._chance, self._sleep = patience or Patience(), chance or random.Random(), sleep
        self._failures = self._forgiven = 0
        self._log = log.bind(kind=mirror.kind, path=path)

    async def run(self) -> NoReturn:
        """List and watch until cancelled. Raises only what trying again cannot mend, before the first list is complete."""
        while True:
            try:
                await (self._watch() if self._mirror.version else self._list())
            except Expired as forgotten:
                self._log.info("listed anew, the server has forgotten", why=forgotten.message)
                self._mirror.expire()
            except FarmError as error:
                if not self._may_pass(error):
                    raise
                self._log.warning("the API server is away", reason=error.reason, error=error.message)
            else:
                continue
            await self._rest()

    def _may_pass(self, error: FarmError) -> bool:
        """Whether trying again may mend it."""
        if not error.retryable:
            self._forgiven -= 1
            return self._mirror.is_synced or self._forgiven >= 0
        self._forgiven = self._patience.refusals
        return True

    async def _list(self) -> None:
        self._mirror.begin()
        async with aclosing(self._client.pages(self._path)) as pages:
            async for page in pages:
                self._tell(self._mirror.page(page))
        self._failures = 0
        self._log.info("listed", documents=self._mirror.count(), version=self._mirror.version)

    async def _watch(self) -> None:
        """One watch from the last version on; an end that came without a single event is followed by a rest."""
        await self._refuse_a_backup()
        spread = self._chance.randint(-self._patience.spread, self._patience.spread)
        timeout = max(1, self._patience.stream + spread)
        told = self._client.watch(
            self._path, self._mirror.version, timeout_seconds=timeout, silence_seconds=self._patience.silence
        )
        heard = 0
        async with aclosing(told) as events:
            async for event in events:
                self._tell(self._mirror.event(event))
                heard += 1
                self._failures = 0
        if not heard:
            await self._rest()

    async def _refuse_a_backup(self) -> None:
        """A server that came back from a backup would leave a watch of a version that it has not reached yet silent."""
        newest = await self._client.get(self._path, limit=1)
        self._mirror.compare(newest["metadata"]["resourceVersion"])

    async def _rest(self) -> None:
        seconds = min(self._patience.longest_rest, self._patience.first_rest * 2.0 ** min(self._failures, 16))
        self._failures += 1
        await self._sleep(seconds * self._chance.uniform(0.5, 1.5))
