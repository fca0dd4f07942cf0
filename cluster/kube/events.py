"""What befell a manifest, as Kubernetes Events: `kubectl describe` shows them. Repeats are counted, a flood is cut off.

Never fails its caller: conditions carry the state, events only the story.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import structlog

from cluster import documents
from cluster.documents import Document
from cluster.kube import paths
from cluster.kube.client import KubeClient
from jobs.errors import FarmError, NotFound
from jobs.ports import Clock

CONTROLLER = "brandfarm.dev/controller"
PATIENCE_SECONDS = 5.0
SERIES_SECONDS = 60.0
"""How often a repeated event's count is written."""

FORGOTTEN_SECONDS = 1800.0
"""What repeats later than this is a new event; the server itself keeps events for an hour."""

BURST = 10
REFILL_SECONDS = 60.0
"""One manifest may have so many events at once, and then one in so many seconds."""

REMEMBERED = 10_000
LONGEST_NOTE_BYTES = 1024

log = structlog.get_logger("controller")

K = TypeVar("K")
V = TypeVar("V")
Key = tuple[str, str, str, str]  # uid, kind, reason, message


@dataclass
class _Series:
    path: str
    count: int
    seen_at: float
    written_at: float


@dataclass
class _Allowance:
    left: float
    at: float


class EventRecorder:
    """The Recorder port over one API server; `instance` is the pod's name."""

    def __init__(self, client: KubeClient, clock: Clock, instance: str) -> None:
        self._client, self._clock, self._instance = client, clock, instance or "brandfarm"
        self._series = _Recent[Key, _Series]()
        self._allowances = _Recent[str, _Allowance]()

    async def tell(self, document: Document, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Write an event, or count it where the same was told before."""
        key = (document["metadata"]["uid"], kind, reason, message)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._tell(key, document)
        except (FarmError, TimeoutError) as away:
            log.warning("event not written", told=reason, manifest=document["metadata"]["name"], error=str(away))

    async def _tell(self, key: Key, document: Document) -> None:
        now, series = self._clock.monotonic(), self._series.get(key)
        if series is None or now - series.seen_at > FORGOTTEN_SECONDS:
            await self._begin(key, document)
            return
        series.count, series.seen_at = series.count + 1, now
        if now - series.written_at < SERIES_SECONDS:
            return
        series.written_at = now
        counted = {"series": {"count": series.count, "lastObservedTime": self._now()}}
        try:
            await self._client.merge(series.path, counted)
        except NotFound:  # the server has forgotten it
            await self._begin(key, document)

    async def _begin(self, key: Key, document: Document) -> None:
        if not self._may_tell(key[0]):
            return
        event, now = self._event(key, document), self._clock.monotonic()
        collection = paths.events(document["metadata"]["namespace"])
        self._series.put(key, _Series(f"{collection}/{event['metadata']['name']}", 1, now, now))
        try:
            await self._client.create(collection, event)
        except BaseException:
            self._series.drop(key)
            raise

    def _may_tell(self, uid: str) -> bool:
        now = self._clock.monotonic()
        allowance = self._allowances.get(uid) or self._allowances.put(uid, _Allowance(BURST, now))
        allowance.left = min(BURST, allowance.left + (now - allowance.at) / REFILL_SECONDS)
        allowance.at = now
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True

    def _event(self, key: Key, document: Document) -> Document:
        metadata, (uid, kind, reason, message) = document["metadata"], key
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name'][:200]}.{secrets.token_hex(8)}",
                "namespace": metadata["namespace"],
            },
            "eventTime": self._now(),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance[:128],
            "action": "Reconcile",
            "reason": reason[:128],
            "type": kind,
            "note": message.encode()[:LONGEST_NOTE_BYTES].decode(errors="ignore"),
            "regarding": {
                "apiVersion": document["apiVersion"],
                "kind": document["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": uid,
                "resourceVersion": metadata["resourceVersion"],
            },
        }

    def _now(self) -> str:
        return documents.precise_timestamp(self._clock.now())


class _Recent(Generic[K, V]):
    """The last things that were asked for; the rest is forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: K, value: V) -> V:
        self._kept[key] = value
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return value

    def drop(self, key: K) -> None:
        self._kept.pop(key, None)
