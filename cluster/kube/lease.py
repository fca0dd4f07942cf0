"""One controller in charge: a Lease in the API server that its holder renews, and whose term fences those who held it before.

A candidate trusts no other clock: a lease has run out when it did not change for its whole length on the candidate's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

import structlog

from cluster import documents
from cluster.documents import Document
from cluster.kube import paths
from cluster.kube.client import KubeClient
from jobs.errors import Conflict, FarmError, LeadershipLost, NotFound
from jobs.ports import Clock

TRANSITIONS = 2**20
"""More often than this no lease changes hands."""

log = structlog.get_logger("controller")


@dataclass(frozen=True)
class LeasePace:
    """Seconds: how long a lease lasts, how long its holder tries to renew it before it gives up, how often it tries."""

    lasts: int = 15
    renew: float = 10.0
    retry: float = 2.0


class Leadership:
    """A place in the queue for one Lease, and the Lease once it was won."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        identity: str,
        clock: Clock,
        pace: LeasePace | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client, self._namespace, self._name, self._identity = client, namespace, name, identity
        self._clock, self._pace, self._sleep = clock, pace or LeasePace(), sleep
        self._path = f"{paths.leases(namespace)}/{name}"
        self._seen_version, self._seen_at = "", 0.0  # a version once the Lease was read
        self._held: Document | None = None
        self._renewed_at = 0.0

    @property
    def term(self) -> int:
        """A number that grows with every win, also past a Lease that somebody deleted; 0 before the first."""
        return 0 if self._held is None else _term(self._held)

    @property
    def uid(self) -> str:
        """The Lease's own identity: of this cluster alone, and the same for all who hold it; empty before the first win."""
        return "" if self._held is None else str(self._held["metadata"]["uid"])

    @property
    def is_held(self) -> bool:
        """Whether nobody else can be in charge yet."""
        return self._held is not None and self._clock.monotonic() - self._renewed_at < self._pace.renew

    async def win(self) -> int:
        """Waits until this process is in charge; its term. Raises Forbidden, and NotFound where there is no such namespace.

        Whoever could read the Lease waits on: a server that has just started refuses everybody until it has read the roles.
        """
        while True:
            try:
                if await self._take():
                    log.info("in charge", lease=self._name, identity=self._identity, term=self.term)
                    return self.term
            except Conflict:
                log.info("another was faster to take the lease", lease=self._name)
            except FarmError as error:
                if not (error.retryable or self._seen_version):
                    raise
                log.warning("the lease cannot be asked for", reason=error.reason, error=error.message)
            await self._sleep(self._pace.retry)

    async def hold(self) -> NoReturn:
        """Renew until cancelled. Raises LeadershipLost where another has it, or where it could not be renewed in time."""
        while True:
            await self._sleep(self._pace.retry)
            left = self._pace.renew - (self._clock.monotonic() - self._renewed_at)
            if left <= 0:
                raise self._lost(f"it could not be renewed for {self._pace.renew:g} s")
            try:
                async with asyncio.timeout(left):
                    await self._renew()
            except (LeadershipLost, NotFound) as lost:
                raise self._lost(lost.message) from lost
            except (FarmError, TimeoutError) as away:
                log.warning("the lease was not renewed", lease=self._name, error=str(away) or "no answer in time")

    async def release(self) -> None:
        """Let the next one take over at once. Where the server cannot be told, the lease runs out by itself."""
        if self._held is None or not self.is_held:
            return
        spec = {key: value for key, value in self._held["spec"].items() if key != "holderIdentity"}
        try:
            await self._client.replace(self._path, {**self._held, "spec": {**spec, "leaseDurationSeconds": 1}})
        except FarmError as error:
            log.warning("the lease was not given back", lease=self._name, error=error.message)
        self._held = None

    async def _take(self) -> bool:
        try:
            found = await self._client.get(self._path)
        except NotFound:
            await self._write(self._client.create, paths.leases(self._namespace), self._new())
            return True
        if self._is_anothers(found["spec"], found["metadata"]["resourceVersion"]):
            return False
        transitions = int(found["spec"].get("leaseTransitions", 0)) + 1
        await self._write(self._client.replace, self._path, {**found, "spec": self._spec(transitions)})
        return True

    async def _renew(self) -> None:
        assert self._held is not None, "a lease is won before it is held"
        spec = {**self._held["spec"], "renewTime": self._now()}
        try:
            await self._write(self._client.replace, self._path, {**self._held, "spec": spec})
        except Conflict:
            found = await self._client.get(self._path)
            if found["spec"].get("holderIdentity") != self._identity or _term(found) != self.term:
                raise LeadershipLost(f"{found['spec'].get('holderIdentity') or 'nobody'} has it now") from None
            self._held = found  # our own renewal arrived, and only its answer was lost
            raise

    async def _write(self, deed: Callable[[str, Document], Awaitable[Document]], path: str, lease: Document) -> None:
        begun = self._clock.monotonic()
        self._held = await deed(path, lease)
        self._renewed_at = begun

    def _is_anothers(self, spec: Document, version: str) -> bool:
        """Whether another holds it still; one of our own identity is of this process's life before a restart."""
        if version != self._seen_version:
            self._seen_version, self._seen_at = version, self._clock.monotonic()
        if spec.get("holderIdentity") in (None, "", self._identity):
            return False
        return self._clock.monotonic() - self._seen_at < float(spec.get("leaseDurationSeconds", self._pace.lasts))

    def _new(self) -> Document:
        metadata = {"name": self._name, "namespace": self._namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": self._spec(1)}

    def _spec(self, transitions: int) -> Document:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._pace.lasts,
            "acquireTime": self._now(),
            "renewTime": self._now(),
            "leaseTransitions": transitions,
        }

    def _now(self) -> str:
        return documents.precise_timestamp(self._clock.now())

    def _lost(self, why: str) -> LeadershipLost:
        return LeadershipLost(
            f"{self._identity} is no longer in charge of {self._namespace}/{self._name}: {why}.",
            hint="Nothing to do: this process ends, and starts again as one that waits for its turn.",
        )


def _term(lease: Document) -> int:
    """The lease's changes of hands, after the time of its making: one that was deleted and made anew is later than before."""
    made = datetime.fromisoformat(lease["metadata"]["creationTimestamp"])
    return int(made.timestamp()) * TRANSITIONS + int(lease["spec"].get("leaseTransitions", 0))
