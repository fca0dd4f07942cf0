"""Carries decisions out. Every effect may be repeated with the same end: records are created once, wanted sets are whole,
equal statuses are not written. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import structlog

from cluster.ports import Manifests, OwnerReport, WantedSet
from jobs import blobs, failpoints, keys, plan, publish
from jobs.errors import NotFound
from jobs.manifests.status import Status
from jobs.ports import ObjectStore
from jobs.spec import Job
from operators.decision import Action, KeepPlan, StartCampaign, WriteVersion

Document = dict[str, Any]

log = structlog.get_logger("controller")


class Dispatcher(Protocol):
    """Whom wanted jobs are handed to. Raises DispatcherUnavailable."""

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        """State the whole wanted set of one manifest; how its jobs stand."""


class Actor:
    """The controller's hands. Raises StoreUnavailable and DispatcherUnavailable; then the same again is safe."""

    def __init__(
        self, documents: Manifests, store: ObjectStore, dispatcher: Dispatcher, now: Callable[[], float]
    ) -> None:
        self._documents, self._store, self._dispatcher, self._now = documents, store, dispatcher, now

    async def perform(self, action: Action) -> None:
        """Write down what was decided; whoever wrote first is right, and the next look sees it."""
        match action:
            case KeepPlan(drawn):
                await self._keep_plan(plan.plan_json(drawn))
            case WriteVersion(record):
                key = keys.version(record.project_uid, record.number)
                failpoints.reach("controller.before-version")
                await self._create(key, record.model_dump(mode="json"))
                failpoints.reach("controller.after-version")
            case StartCampaign(drawn, started):
                await self._keep_plan(plan.plan_json(drawn))
                failpoints.reach("controller.before-campaign")
                await self._create(keys.campaign(started.uid), started.model_dump(mode="json"), started.plan)
                failpoints.reach("controller.after-campaign")

    async def hand_over(self, uid: str, generation: int, wanted: Sequence[Job]) -> OwnerReport:
        """State all the jobs that a manifest wants now; what is absent is cancelled."""
        failpoints.reach("controller.before-hand-over")
        report = await self._dispatcher.put_jobs(uid, WantedSet(generation=generation, jobs=tuple(wanted)))
        failpoints.reach("controller.after-hand-over")
        return report

    async def say(self, document: Document, status: Status) -> Document | None:
        """Write a status; the document as it then stands, None where it was deleted meanwhile."""
        metadata = document["metadata"]
        written = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        place = (document["kind"], metadata["namespace"], metadata["name"], metadata["uid"])
        failpoints.reach("controller.before-status")
        try:
            said = await self._documents.set_status(*place, written)
        except NotFound:
            return None
        failpoints.reach("controller.after-status")
        return said

    async def retire(self, kind: str, namespace: str, name: str, uid: str) -> None:
        """Withdraw the jobs of a deleted manifest, and write down that it was deleted."""
        if await asyncio.to_thread(self._store.exists, keys.deleted(uid)):
            return
        failpoints.reach("controller.before-retire")
        await self._dispatcher.put_jobs(uid, WantedSet())
        body = {"uid": uid, "kind": kind, "namespace": namespace, "name": name, "deleted": self._now()}
        await self._create(keys.deleted(uid), body)
        failpoints.reach("controller.after-retire")
        log.info("manifest deleted", kind=kind, namespace=namespace, name=name, uid=uid)

    async def _keep_plan(self, data: bytes) -> None:
        failpoints.reach("controller.before-plan")
        await asyncio.to_thread(blobs.put, self._store, data)

    async def _create(self, key: str, body: dict[str, Any], *named: str) -> None:
        published = await asyncio.to_thread(lambda: publish.record(self._store, key, body, blobs=named))
        log.info("record written" if published.won else "record stood already", key=key)
