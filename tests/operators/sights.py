"""Sights of projects and campaigns as plain values: what has been seen, said in one line each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cluster.ports import JobReport, OwnerReport
from jobs import manifests, plan
from jobs.manifests import BrandProject, Campaign, Verdict
from jobs.records import CampaignRecord, VersionRecord
from jobs.spec import Job
from operators.observed import (
    Brand,
    ObservedBase,
    ObservedCampaign,
    ObservedChunk,
    ObservedIntake,
    ObservedProject,
    ObservedSheet,
    ObservedVersion,
    Word,
)
from tests import builders
from tests.builders import NOON, digest

DATASET = digest("dataset")
BASE = digest("base")


def declared(uid: str = "uid-1", generation: int = 1, **spec: Any) -> BrandProject:
    """A project as it was read."""
    parsed = manifests.parse(builders.kept(builders.project(**spec), uid, generation))
    assert isinstance(parsed, BrandProject)
    return parsed


def planned(uid: str = "uid-9", **spec: Any) -> Campaign:
    """A campaign as it was read."""
    parsed = manifests.parse(builders.kept(builders.campaign(**spec), uid))
    assert isinstance(parsed, Campaign)
    return parsed


def version(project: BrandProject, number: int = 1, trained: bool = True, drawn: bool = True) -> ObservedVersion:
    """Version n: v1 is what the project declares, later ones have other datasets."""
    dataset = DATASET if number == 1 else digest(f"dataset {number}")
    return of_record(project, plan.new_version(project, number, dataset, BASE, NOON), trained, drawn)


def of_record(
    project: BrandProject, record: VersionRecord, trained: bool = True, drawn: bool = True
) -> ObservedVersion:
    """A version by its record, trained and its sheet drawn unless it is said otherwise."""
    job = plan.train_job(project, record)
    if not trained:
        return ObservedVersion(record, job)
    result = builders.train_record(job)
    sheet = plan.sheet_plan(project, record, result.adapter)
    chunks = tuple(
        ObservedChunk(job, builders.chunk_record(job) if drawn else None)
        for job in plan.sheet_jobs(project, record, sheet)
    )
    return ObservedVersion(record, job, result, ObservedSheet(sheet, plan.plan_digest(sheet), chunks))


def approval(number: int = 1, by: str = "lead@studio-a") -> Word:
    """Somebody's yes."""
    return Word(by, number, Verdict.APPROVE)


def seen(
    project: BrandProject,
    *versions: ObservedVersion,
    words: tuple[Word, ...] = (),
    taken_in: bool = True,
    **fields: Any,
) -> ObservedProject:
    """A sight of a project whose source was taken in."""
    job = plan.intake_job(project, digest("listing"))
    record = builders.intake_record(job, DATASET) if taken_in else None
    sight = ObservedProject(
        brand=Brand(project, versions, words),
        intake=ObservedIntake(job, record),
        base=ObservedBase(BASE),
        now=NOON,
        chunk=16,
    )
    return replace(sight, **fields)


def ready_brand(uid: str = "uid-1", **spec: Any) -> Brand:
    """A brand whose v1 was approved and serves."""
    project = declared(uid, **spec)
    return Brand(project, (version(project),), (approval(),))


def campaign_seen(campaign: Campaign, *brands: Brand, **fields: Any) -> ObservedCampaign:
    """A sight of a campaign that has not started."""
    named = {brand.project.metadata.name or "": brand for brand in brands}
    return replace(ObservedCampaign(campaign, named, NOON, chunk=16), **fields)


def started(campaign: Campaign, *results: Any, count: int = 20, report: OwnerReport | None = None) -> ObservedCampaign:
    """A sight of a campaign that has started, with the record or None of each of its chunks."""
    record = CampaignRecord(
        uid="uid-9", plan=digest("plan"), count=count, chunk=16, looks=[{"label": "stable-socks v1"}], created=NOON
    )
    jobs = plan.campaign_jobs(campaign, record, BASE)
    padded = (*results, *[None] * (len(jobs) - len(results)))
    chunks = tuple(
        ObservedChunk(job, None if make is None else make(job)) for job, make in zip(jobs, padded, strict=True)
    )
    return ObservedCampaign(campaign, {}, NOON, chunk=16, record=record, chunks=chunks, report=report)


def told(*reports: tuple[Job, JobReport]) -> OwnerReport:
    """The dispatcher's answer about some jobs."""
    return OwnerReport(epoch=1, states={job.id: report for job, report in reports})


def leased(done: int = 0, total: int = 0, **facts: float) -> JobReport:
    """A job that a worker has."""
    return JobReport(state="leased", done=done, total=total, facts=facts)
