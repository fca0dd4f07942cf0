"""The jobs of one brand or campaign as a person speaks of them: what is under way, what failed, ending it, trying it again.

Asks the dispatcher through the farm; knows no terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli import farm as farms
from cli import records, targets
from cli.farm import Document, Farm
from cli.targets import Target
from cluster.ports import JobReport
from jobs import keys, publish
from jobs.errors import FarmError, ManifestInvalid, NotFound
from jobs.lifecycle import JobState
from jobs.manifests import Campaign
from jobs.records import ChunkRecord, RerunRecord
from jobs.spec import GenerateAsk, Job, JobKind

OPEN = {JobState.WAITING, JobState.LEASED}
ASKED_ABOUT = 8
"""Jobs of which it is asked who else wants them: the chunks of a campaign are shared all or not at all."""

LONGEST_RERUN = 2000
"""Ranges in one record, which stays under its 64 KiB."""


@dataclass(frozen=True)
class Work:
    """A manifest and those of its jobs that are meant."""

    document: Document
    jobs: Mapping[str, JobReport]
    version: str = ""

    @property
    def name(self) -> str:
        """As it is typed: `stable-socks`, `stable-socks v2`, `campaign/spring`."""
        named = str(self.document["metadata"]["name"])
        if self.document["kind"] == targets.CAMPAIGN:
            return f"campaign/{named}"
        return f"{named} {self.version}".strip()

    def those(self, *states: JobState) -> dict[str, JobReport]:
        """The jobs in some states."""
        return {job: report for job, report in self.jobs.items() if report.state in states}


@dataclass(frozen=True)
class Rerun:
    """What was asked for again: chunks that had failed for good, and failed shots of chunks that ended."""

    retried: int
    chunks: int
    shots: int


def find(farm: Farm, namespace: str | None, target: Target) -> Document:
    """The manifest that a person names; a bare name is a brand's, or a campaign's where no brand has it. Raises NotFound."""
    if target.kind is not None:
        return farms.find(farm, target.kind, namespace, target.name)
    try:
        return farms.find(farm, targets.BRAND, namespace, target.name)
    except NotFound:
        if target.name not in (one["metadata"]["name"] for one in farm.documents(targets.CAMPAIGN, namespace)):
            raise
    return farms.find(farm, targets.CAMPAIGN, namespace, target.name)


def of(farm: Farm, namespace: str | None, target: Target, version: str | None = None) -> Work:
    """The jobs of a brand, of one of its versions, or of a campaign. Raises NotFound, FarmDown, DispatcherUnavailable."""
    document = find(farm, namespace, target)
    jobs = farm.standing(document["metadata"]["uid"])
    if version is None:
        return Work(document, jobs)
    if document["kind"] == targets.CAMPAIGN:
        raise ManifestInvalid(f"campaign/{target.name} has no versions.", hint="Leave the version out.")
    project = farms.project(farm, document["metadata"]["namespace"], target.name)
    farms.version(project, version)
    return Work(document, {job: one for job, one in jobs.items() if one.version == version}, version)


def counted(jobs: Mapping[str, JobReport]) -> str:
    """Jobs in words: `1 training and 3 chunks of images`."""
    nouns = {JobKind.INTAKE: "intake", JobKind.TRAIN: "training", JobKind.GENERATE: "chunk"}
    counts = Counter(report.kind for report in jobs.values())
    told = [
        f"{counts[kind]} {noun}{'' if counts[kind] == 1 else 's'}" + (" of images" if kind is JobKind.GENERATE else "")
        for kind, noun in nouns.items()
        if counts[kind]
    ]
    return " and ".join(told) or f"{len(jobs)} jobs"


def others(farm: Farm, work: Work, jobs: Sequence[str]) -> list[str]:
    """The other manifests that want some of these jobs too, `kind/name` each."""
    step = max(1, len(jobs) // ASKED_ABOUT)
    owners = {owner for job in jobs[::step] for owner in farm.job(job).owners} - {work.document["metadata"]["uid"]}
    if not owners:
        return []
    everything = [one for kind in (targets.BRAND, targets.CAMPAIGN) for one in farms.visible(farm, kind)]
    return [
        f"{one['kind'].lower()}/{one['metadata']['name']}" for one in everything if one["metadata"]["uid"] in owners
    ]


def rerun_failed(farm: Farm, namespace: str | None, name: str, *, by: str, now: float) -> Rerun:
    """Ask for all that failed of a campaign once more. Images are created once, so only missing ones are drawn.

    Raises NotFound, FarmError before its start, FarmDown, DispatcherUnavailable.
    """
    campaign = farms.campaign(farm, namespace, name)
    record = records.started(farm.store, campaign)
    if record is None:
        why = farms.status_of_campaign(campaign).message or "the farm has not looked at it yet"
        raise FarmError(
            f"{name} has not started, so nothing of it has failed: {why}", hint=f"See `brandfarm why campaign/{name}`."
        )
    work = of(farm, campaign.metadata.namespace, Target(targets.CAMPAIGN, name))
    gone = work.those(JobState.FAILED)
    if gone:
        farm.retry(sorted(gone))
    found = records.newest(farm.store, records.chunks(farm.store, campaign, record))
    failed = [(chain[0], told[-1]) for chain, told in found if len(told) == len(chain) and told[-1].failures]
    for ranges in _in_pieces(_merged([job for job, _ in failed])):
        _write(farm, record.uid, ranges, by, now)
    return Rerun(len(gone), len(failed), sum(len(told.failures) for _, told in failed))


def failed_shots(farm: Farm, campaign: Campaign) -> list[ChunkRecord]:
    """What the chunks of a campaign came to whose newest record holds failed shots; none before its start."""
    record = records.started(farm.store, campaign)
    if record is None:
        return []
    found = records.newest(farm.store, records.chunks(farm.store, campaign, record))
    return [told[-1] for chain, told in found if len(told) == len(chain) and told[-1].failures]


def _merged(jobs: Sequence[Job]) -> list[tuple[int, int]]:
    """The chunks' ranges, those that touch as one."""
    ranges: list[tuple[int, int]] = []
    for job in jobs:
        assert isinstance(job.ask, GenerateAsk), f"a campaign has no job of kind {job.kind}"
        if ranges and ranges[-1][1] == job.ask.start:
            ranges[-1] = (ranges[-1][0], job.ask.stop)
        else:
            ranges.append((job.ask.start, job.ask.stop))
    return ranges


def _in_pieces(ranges: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    return [ranges[first : first + LONGEST_RERUN] for first in range(0, len(ranges), LONGEST_RERUN)]


def _write(farm: Farm, uid: str, ranges: list[tuple[int, int]], by: str, now: float) -> None:
    """Under the next free number; whoever wrote first has theirs, and drawing twice what exists costs nothing."""
    number = 1 + len(records.reruns(farm.store, uid))
    while True:
        body = RerunRecord(uid=uid, number=number, ranges=ranges, by=by, created=now)
        if publish.record(farm.store, keys.rerun(uid, number), body.model_dump(mode="json", exclude={"writeId"})).won:
            return
        number += 1
