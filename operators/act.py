"""Carries decisions out. Every effect may be repeated with the same end: records are created once, wanted sets are whole,
equal statuses are not written. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from cluster.ports import Manifests, Origin, OwnerReport, WantedSet
from jobs import blobs, failpoints, keys, plan, publish
from jobs.errors import NotFound
from jobs.manifests.status import Status
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, VersionRecord
from jobs.spec import Job
from operators import night_acts
from operators.decision import Action, DropNight, EndNight, KeepPlan, MakeNight, StartCampaign, WriteVersion
from operators.places import Place

Document = dict[str, Any]
Founding = VersionRecord | CampaignRecord

log = structlog.get_logger("controller")


class Dispatcher(Protocol):
    """Whom wanted jobs are handed to. Raises DispatcherUnavailable."""

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        """State the whole wanted set of one manifest; how its jobs stand."""


@dataclass(frozen=True)
class Charge:
    """In whose name the controller acts: the home of its manifests, the lease by which it leads, and its term. A laptop has none.

    A home is the same for all who lead by one lease of one cluster, and for nobody else.
    """

    home: str = ""
    lease: str = ""
    term: int = 0

    def origin(self, place: Place) -> Origin:
        """Where a manifest stands, for others."""
        return Origin(home=self.home, kind=place.kind, namespace=place.namespace, name=place.name)

    def written_into(self, record: Founding, place: Place) -> Founding:
        """The record with where its manifest stands, so that a deletion is known for one though nobody watched."""
        if not self.home:
            return record
        return record.model_copy(update={"origin": self.origin(place).model_dump()})


class Actor:
    """The controller's hands. Raises StoreUnavailable and DispatcherUnavailable; then the same again is safe."""

    def __init__(
        self,
        documents: Manifests,
        store: ObjectStore,
        dispatcher: Dispatcher,
        now: Callable[[], float],
        charge: Charge | None = None,
    ) -> None:
        self._documents, self._store, self._dispatcher, self._now = documents, store, dispatcher, now
        self.charge = charge or Charge()

    async def perform(self, place: Place, action: Action) -> None:
        """Write down what was decided; whoever wrote first is right, and the next look sees it."""
        match action:
            case KeepPlan(drawn):
                await self._keep_plan(plan.plan_json(drawn))
            case WriteVersion(record):
                key = keys.version(record.project_uid, record.number)
                failpoints.reach("controller.before-version")
                await self._create(key, self._dumped(record, place))
                failpoints.reach("controller.after-version")
            case StartCampaign(drawn, started):
                await self._keep_plan(plan.plan_json(drawn))
                failpoints.reach("controller.before-campaign")
                await self._create(keys.campaign(started.uid), self._dumped(started, place), started.plan)
                failpoints.reach("controller.after-campaign")
            case MakeNight():
                await night_acts.make(self._documents, action)
            case EndNight():
                await night_acts.end(self._documents, action)
            case DropNight():
                await night_acts.drop(self._documents, action)

    async def hand_over(self, place: Place, uid: str, generation: int, wanted: Sequence[Job]) -> OwnerReport:
        """State all the jobs that a manifest wants now; what is absent is cancelled. Raises StaleTerm."""
        failpoints.reach("controller.before-hand-over")
        report = await self._dispatcher.put_jobs(uid, self._set(place, tuple(wanted), generation))
        failpoints.reach("controller.after-hand-over")
        return report

    async def say(self, document: Document, status: Status) -> Document | None:
        """Write a status; the document as it then stands, None where it was deleted meanwhile."""
        metadata = document["metadata"]
        written = _written(status)
        place = (document["kind"], metadata["namespace"], metadata["name"], metadata["uid"])
        failpoints.reach("controller.before-status")
        try:
            said = await self._documents.set_status(*place, written)
        except NotFound:
            return None
        failpoints.reach("controller.after-status")
        return said

    async def retire(self, place: Place, uid: str, may_want: bool = True) -> None:
        """Withdraw the jobs of a deleted manifest, if it may want some, and write down that it was deleted. Raises StaleTerm."""
        is_known = await asyncio.to_thread(self._store.exists, keys.deleted(uid))
        if is_known and not may_want:
            return
        failpoints.reach("controller.before-retire")
        await self._dispatcher.put_jobs(uid, self._set(place, ()))
        if is_known:
            return
        kind, namespace, name = place.kind, place.namespace, place.name
        body = {"uid": uid, "kind": kind, "namespace": namespace, "name": name, "deleted": self._now()}
        await self._create(keys.deleted(uid), body)
        failpoints.reach("controller.after-retire")
        log.info("manifest deleted", kind=kind, namespace=namespace, name=name, uid=uid)

    def _set(self, place: Place, jobs: tuple[Job, ...], generation: int = 0) -> WantedSet:
        origin, lease, term = self.charge.origin(place), self.charge.lease, self.charge.term
        return WantedSet(generation=generation, jobs=jobs, origin=origin, lease=lease, term=term)

    def _dumped(self, record: Founding, place: Place) -> dict[str, Any]:
        """A record's body; a home that nobody names leaves no trace in it."""
        without = set() if self.charge.home else {"origin"}
        return self.charge.written_into(record, place).model_dump(mode="json", exclude=without)

    async def _keep_plan(self, data: bytes) -> None:
        failpoints.reach("controller.before-plan")
        await asyncio.to_thread(blobs.put, self._store, data)

    async def _create(self, key: str, body: dict[str, Any], *named: str) -> None:
        published = await asyncio.to_thread(lambda: publish.record(self._store, key, body, blobs=named))
        log.info("record written" if published.won else "record stood already", key=key)


def says_already(document: Document, status: Status) -> bool:
    """Whether a document's status is word for word this one."""
    return bool(document.get("status") == _written(status))


def _written(status: Status) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
