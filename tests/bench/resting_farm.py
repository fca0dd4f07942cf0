"""A farm whose brands all rest: trained, their sheets drawn, serving, and their statuses said. Made without a worker.

The manifests may be kept anywhere; the store is a folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel

from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.ports import Change, JobReport, Manifests, OwnerReport, Owners, Recorder, Wake, WantedSet
from cluster.uploads import UPLOAD, UploadedFile, UploadListing
from jobs import blobs, keys, manifests, plan, publish
from jobs.bases.catalogue import Catalogue
from jobs.manifests import BrandProject
from jobs.ports import ObjectStore
from operators.act import Actor
from operators.listings import Listings
from operators.observe import Lookups, Observer
from operators.rounds import Rounds, place_of
from tests import builders

Document = dict[str, Any]
Names = list[tuple[str, str]]
Changes = list[Change]
PICTURES = 12


class QuietDispatcher:
    """Takes every wanted set and never begins anything; nothing ever happens there."""

    def __init__(self) -> None:
        self.told = 0

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        self.told += 1
        return OwnerReport(epoch=1, states={job.id: JobReport(state="waiting") for job in wanted.jobs})

    async def owners(self, lease: str = "", term: int = 0) -> Owners:
        return Owners(epoch=1, owners=())

    async def events(self, after: int, wait: float) -> Wake:
        await asyncio.sleep(wait if after else 0.0)
        return Wake(epoch=1, number=1)


class CountedManifests:
    """A keeper of manifests; `writes` counts the statuses that changed something, `said` tells the generation of each."""

    def __init__(self, inner: Manifests) -> None:
        self.inner = inner
        self.writes = 0
        self.said: dict[str, tuple[int, float]] = {}  # by name: the observed generation, and when it was written
        self._clock = MachineClock()

    async def list(self, kind: str, namespace: str | None = None) -> list[Document]:
        return await self.inner.list(kind, namespace)

    async def names(self, kind: str, namespace: str | None = None) -> Names:
        return await self.inner.names(kind, namespace)

    async def changes(self, after: int) -> Changes:
        return await self.inner.changes(after)

    async def get(self, kind: str, namespace: str, name: str) -> Document:
        return await self.inner.get(kind, namespace, name)

    async def create(self, document: Document) -> Document:
        return await self.inner.create(document)

    async def replace(self, document: Document) -> Document:
        return await self.inner.replace(document)

    async def set_status(self, kind: str, namespace: str, name: str, uid: str, status: Document) -> Document:
        self.writes += 1
        written = await self.inner.set_status(kind, namespace, name, uid, status)
        self.said[name] = (int(status["observedGeneration"]), self._clock.monotonic())
        return written

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        await self.inner.delete(kind, namespace, name)

    def watch(self, after: int) -> AsyncIterator[Change]:
        return self.inner.watch(after)


def rounds_over(
    documents: Manifests,
    store: ObjectStore,
    dispatcher: QuietDispatcher,
    recorder: Recorder | None = None,
    status_seconds: float = 0.0,
) -> Rounds:
    """A controller's rounds as its process makes them; the last two only where an API server keeps the manifests."""
    clock = MachineClock()
    listings, catalogue = Listings(store, clock), Catalogue(store, memo_seconds=10.0)
    lookups = Lookups(base=catalogue.by_name, listing=listings.digest, now=clock.now)
    observer = Observer(documents, store, lookups, chunk=16)
    actor = Actor(documents, store, dispatcher, clock.now)
    return Rounds(documents, observer, actor, clock, recorder, status_seconds)


async def filled(documents: Manifests, store: FolderStore, count: int, namespace: str = "default") -> list[Document]:
    """So many brands at rest in a namespace, as they were created."""
    made = [await _created(documents, store, f"brand-{number:05d}", namespace) for number in range(count)]
    rounds = rounds_over(documents, store, QuietDispatcher())
    for document in made:
        again = await rounds.look(place_of(document))
        assert not again, "what rests needs one look"
    return made


async def _created(documents: Manifests, store: FolderStore, name: str, namespace: str) -> Document:
    files = tuple(
        UploadedFile(name=f"{number}.png", size=1000, digest=builders.digest(f"{name} {number}"))
        for number in range(PICTURES)
    )
    address = UPLOAD + blobs.put_json(store, UploadListing(files=files).model_dump(mode="json"))
    dataset = {"source": address, "rights": {"owner": "Studio A", "basis": "owned"}}
    document = await documents.create(builders.project(name, namespace, dataset=dataset, gate={"approvals": 0}))
    project = manifests.parse(document)
    assert isinstance(project, BrandProject)
    _publish_results(store, project)
    return document


def _publish_results(store: FolderStore, project: BrandProject) -> None:
    """What a worker would have written: intake, training, and the contact sheet's chunks."""
    clock = MachineClock()
    intake = plan.intake_job(project, Listings(store, clock).digest(project.spec.dataset.source))
    taken_in = builders.intake_record(intake)
    base = Catalogue(store).by_name(project.spec.base.name).digest
    version = plan.new_version(project, 1, taken_in.dataset, base, clock.now())
    training = plan.train_job(project, version)
    trained = builders.train_record(training)
    _publish(store, intake.record_key, taken_in)
    _publish(store, keys.version(version.project_uid, 1), version)
    _publish(store, training.record_key, trained)
    for job in plan.sheet_jobs(project, version, plan.sheet_plan(project, version, trained.adapter)):
        _publish(store, job.record_key, builders.chunk_record(job))


def _publish(store: FolderStore, key: str, record: BaseModel) -> None:
    publish.record(store, key, record.model_dump(mode="json", exclude={"writeId"}))
