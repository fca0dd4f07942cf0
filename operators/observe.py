"""Looks at one manifest: its document, people's words, the store's records. Concludes nothing, changes nothing.

What cannot be read is raised, never taken for absent: nothing may be cancelled because a look failed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from cluster.ports import Manifests, OwnerReport, Trouble
from jobs import keys, manifests, plan
from jobs.bases.catalogue import Listed, require_licence
from jobs.errors import FarmError, NotFound
from jobs.manifests import BrandProject, BrandProjectStatus, Campaign, CampaignStatus
from jobs.manifests.brand_project import BaseChoice
from jobs.manifests.nights import night_time
from jobs.manifests.status import Status
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, ChunkRecord, IntakeRecord, RerunRecord, TrainRecord, VersionRecord
from jobs.spec import Job
from operators import nights_seen, versions
from operators.observed import (
    Brand,
    Observed,
    ObservedBase,
    ObservedCampaign,
    ObservedChunk,
    ObservedIntake,
    ObservedProject,
    ObservedSchedule,
    ObservedSheet,
    ObservedVersion,
)
from operators.places import Place, place_of
from operators.records_seen import RecordsSeen
from operators.words import words_on
from operators.words_heard import WordsHeard

Document = dict[str, Any]
S = TypeVar("S", bound=Status)


@dataclass(frozen=True)
class Lookups:
    """What is asked elsewhere: a base by name, the digest of a source's listing by address, and the time."""

    base: Callable[[str], Listed]  # raises BaseUnknown, StoreUnavailable
    listing: Callable[[str], str]  # raises SourceUnreadable
    now: Callable[[], float]  # seconds since 1970 UTC


class Observer:
    """Sees manifests. Every call may raise StoreUnavailable, SourceUnreadable (to be tried again) or ManifestInvalid."""

    def __init__(self, documents: Manifests, store: ObjectStore, lookups: Lookups, chunk: int) -> None:
        self._documents, self._lookups, self._chunk = documents, lookups, chunk
        self.words = WordsHeard(documents)
        self._store, self._records = store, RecordsSeen(store)
        self._campaign_jobs: dict[tuple[str, int], tuple[Job, ...]] = {}

    async def see(self, document: Document, report: OwnerReport | None) -> Observed:
        """All that decides what becomes of a manifest now; `report` is the dispatcher's last answer about it."""
        namespace = document["metadata"]["namespace"]
        manifest = _parsed(document)
        if isinstance(manifest, BrandProject):
            words = await self.words.on(place_of(document))
            return await asyncio.to_thread(self._project, manifest, document, words, report)
        assert isinstance(manifest, Campaign), f"no controller for {manifest.kind}"
        if manifest.spec.schedule is not None:
            return self._schedule(manifest, document, await self._namesakes(manifest, namespace), report)
        projects = await self._brands(manifest, namespace)
        places = [Place("BrandProject", namespace, name) for name in projects]
        reviews = [word for place in places for word in await self.words.on(place)]
        return await asyncio.to_thread(self._campaign, manifest, document, projects, reviews, report)

    async def _namesakes(self, schedule: Campaign, namespace: str) -> list[Document]:
        """The campaigns that have a night's name; a namespace holds thousands of others, and they are not unpacked."""
        found = []
        for _, name in await self._documents.names("Campaign", namespace):
            if night_time(schedule.metadata.name or "", name) is not None:
                with suppress(NotFound):  # it may have gone meanwhile
                    found.append(await self._documents.get("Campaign", namespace, name))
        return found

    async def _brands(self, campaign: Campaign, namespace: str) -> dict[str, BrandProject]:
        found = {}
        for name in {choice.brand for look in campaign.spec.looks for choice in look.choices}:
            try:
                project = _parsed(await self._documents.get("BrandProject", namespace, name))
            except NotFound:
                continue
            assert isinstance(project, BrandProject)
            found[name] = project
        return found

    def base_digest(self, name: str) -> str:
        """What a base's name means now, empty where it means nothing. Raises StoreUnavailable."""
        try:
            return self._lookups.base(name).digest
        except FarmError as unknown:
            if unknown.retryable:
                raise
            return ""

    def forget(self, uid: str) -> None:
        """A manifest is no more: what was worked out for it alone is not kept."""
        for place in [one for one in list(self._campaign_jobs) if one[0] == uid]:  # threads may add meanwhile
            self._campaign_jobs.pop(place, None)

    def rerun_counts(self) -> dict[str, int]:
        """By uid, how often a campaign's failed shots were asked for again. Raises StoreUnavailable."""
        return Counter(key.split("/")[2] for key in self._store.list(keys.RERUNS))

    def _project(
        self, project: BrandProject, document: Document, reviews: Sequence[Document], report: OwnerReport | None
    ) -> ObservedProject:
        seen = ObservedProject(
            brand=self._brand(project, reviews),
            intake=self._intake(project),
            base=self._base(project.spec.base),
            now=self._lookups.now(),
            chunk=self._chunk,
            status=_status(BrandProjectStatus, document),
            report=report,
        )
        shown = {version.number for version in versions.shown(seen)}
        sheeted = tuple(
            replace(version, sheet=self._sheet(project, version)) if version.number in shown else version
            for version in seen.brand.versions
        )
        with_sheets = replace(seen, brand=replace(seen.brand, versions=sheeted))
        vars(with_sheets)["declared"] = seen.declared  # the same intake and base: two hashes less
        return with_sheets

    def _campaign(
        self,
        campaign: Campaign,
        document: Document,
        projects: dict[str, BrandProject],
        reviews: Sequence[Document],
        report: OwnerReport | None,
    ) -> ObservedCampaign:
        record = self._records.get(keys.campaign(_uid(campaign)), CampaignRecord)
        started = record is not None
        return ObservedCampaign(
            campaign=campaign,
            # Once it has started, its record says all; its brands may change or go.
            brands={} if started else {name: self._brand(one, reviews) for name, one in projects.items()},
            now=self._lookups.now(),
            chunk=self._chunk,
            record=record,
            chunks=()
            if record is None
            else self._chunks(self._jobs(campaign, record), self._records.reruns(record.uid)),
            status=_status(CampaignStatus, document),
            report=report,
        )

    def _schedule(
        self, campaign: Campaign, document: Document, others: Sequence[Document], report: OwnerReport | None
    ) -> ObservedSchedule:
        nights, taken = nights_seen.nights(campaign, others)
        return ObservedSchedule(
            campaign=campaign,
            nights=nights,
            taken=taken,
            now=self._lookups.now(),
            status=_status(CampaignStatus, document),
            report=report,
        )

    def _brand(self, project: BrandProject, reviews: Sequence[Document]) -> Brand:
        numbered = self._records.versions(_uid(project))
        return Brand(project, tuple(self._version(project, record) for record in numbered), words_on(project, reviews))

    def _version(self, project: BrandProject, record: VersionRecord) -> ObservedVersion:
        job = plan.train_job(project, record)
        return ObservedVersion(record, job, self._records.get(job.record_key, TrainRecord))

    def _sheet(self, project: BrandProject, version: ObservedVersion) -> ObservedSheet:
        assert version.trained is not None, "only a trained version has a sheet"
        drawn = plan.sheet_plan(project, version.record, version.trained.adapter)
        jobs = plan.sheet_jobs(project, version.record, drawn, self._chunk)
        return ObservedSheet(drawn, plan.plan_digest(drawn), self._chunks(jobs))

    def _chunks(self, jobs: Sequence[Job], reruns: Sequence[RerunRecord] = ()) -> tuple[ObservedChunk, ...]:
        return tuple(self._chunk_of(chain) for chain in plan.chains(jobs, reruns))

    def _chunk_of(self, chain: tuple[Job, ...]) -> ObservedChunk:
        *before, newest = (self._records.get(job.record_key, ChunkRecord) for job in chain)
        return ObservedChunk(chain[-1], newest, tuple(record for record in before if record is not None))

    def _jobs(self, campaign: Campaign, record: CampaignRecord) -> tuple[Job, ...]:
        """A campaign's chunks, made once for each generation: a large one has thousands."""
        place = (record.uid, campaign.metadata.generation or 0)
        if place not in self._campaign_jobs:
            base = self._records.plan(record.plan).base
            self.forget(record.uid)
            self._campaign_jobs[place] = plan.campaign_jobs(campaign, record, base)
        return self._campaign_jobs[place]

    def _intake(self, project: BrandProject) -> ObservedIntake:
        try:
            listing = self._lookups.listing(project.spec.dataset.source)
        except FarmError as unreadable:
            if unreadable.retryable:
                raise
            return ObservedIntake(trouble=_trouble(unreadable))
        job = plan.intake_job(project, listing)
        return ObservedIntake(job, self._records.get(job.record_key, IntakeRecord))

    def _base(self, choice: BaseChoice) -> ObservedBase:
        try:
            base = self._lookups.base(choice.name)
            require_licence(base, choice.accept_licence)
        except FarmError as refused:
            if refused.retryable:
                raise
            return ObservedBase(trouble=_trouble(refused))
        return ObservedBase(base.digest, base.licence)


def _parsed(document: Document) -> manifests.AnyManifest:
    """What a document declares; its status is not judged. Raises ManifestInvalid."""
    return manifests.parse({key: value for key, value in document.items() if key != "status"})


def _status(model: type[S], document: Document) -> S | None:
    """The status as it was written last; one that another release wrote differently counts as none."""
    try:
        return model.model_validate(document["status"]) if "status" in document else None
    except ValidationError:
        return None


def _trouble(error: FarmError) -> Trouble:
    return Trouble(reason=error.reason, message=error.message, hint=error.hint, retryable=error.retryable)


def _uid(manifest: BrandProject | Campaign) -> str:
    assert manifest.metadata.uid, f"{manifest.title} has no uid: it was not read from where manifests are kept"
    return manifest.metadata.uid
