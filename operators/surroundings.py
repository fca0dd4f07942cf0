"""Where a controller's manifests are and who else may lead: a file on this machine, or an API server with a lease.

Only here it is chosen; Kubernetes is imported only where it is meant.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from cluster.clocks import MachineClock
from cluster.local_manifests import LocalManifests
from cluster.ports import Manifests, Recorder
from operators.recorders import LogRecorder, aside
from operators.settings import Settings


class Leadership(Protocol):
    """One controller leads at a time. Raises LeadershipLost where that is no longer sure."""

    @property
    def uid(self) -> str:
        """The lease's own identity, the same for all who ever held it; empty before the first win."""

    async def win(self) -> int:
        """Waits until this process leads; its term, which grows with every win."""

    async def hold(self) -> NoReturn:
        """Stay in the lead until cancelled."""

    async def release(self) -> None:
        """Let the next one lead at once."""


@dataclass(frozen=True)
class Surroundings:
    """Manifests, who hears what befalls them, and who leads. `follow` keeps the manifests true, where that takes work."""

    documents: Manifests
    recorder: Recorder
    is_synced: Callable[[], bool] = lambda: True
    follow: Callable[[], Coroutine[Any, Any, NoReturn]] | None = None
    leadership: Leadership | None = None
    lease: str = ""
    status_seconds: float = 0.0


STATUS_SECONDS = 2.0
"""Between two statuses of one manifest in an API server; a file on this machine takes all."""


@asynccontextmanager
async def of(chosen: Settings) -> AsyncIterator[Surroundings]:
    """What the settings choose, open while inside; a lease is given back at the end."""
    if not chosen.kubernetes:
        documents = LocalManifests(chosen.manifests)
        yield Surroundings(documents, LogRecorder())
        documents.close()
        return
    async with _in_kubernetes(chosen) as there:
        yield there


@asynccontextmanager
async def _in_kubernetes(chosen: Settings) -> AsyncIterator[Surroundings]:
    from cluster.kube.client import KubeClient
    from cluster.kube.events import EventRecorder
    from cluster.kube.lease import Leadership as LeaseHeld
    from cluster.kube.manifests import KubeManifests

    is_pod = "KUBERNETES_SERVICE_HOST" in os.environ and not (chosen.kubeconfig or chosen.context)
    async with KubeClient.of_pod() if is_pod else KubeClient.of_kubeconfig(chosen.kubeconfig, chosen.context) as client:
        clock = MachineClock()
        documents = KubeManifests(client, chosen.watched_namespaces)
        space = chosen.lease_namespace or client.namespace
        leadership = LeaseHeld(client, space, chosen.lease_name, chosen.identity, clock) if chosen.lease_name else None
        try:
            async with aside(EventRecorder(client, clock, chosen.identity)) as recorder:
                yield Surroundings(
                    documents,
                    recorder,
                    is_synced=lambda: documents.is_synced,
                    follow=documents.run,
                    leadership=leadership,
                    lease=f"{space}/{chosen.lease_name}" if leadership else "",
                    status_seconds=STATUS_SECONDS,
                )
        finally:
            if leadership is not None:
                await leadership.release()
