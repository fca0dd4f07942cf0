"""What the controller has seen of one manifest, as frozen values. Knows neither where it was read nor what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cluster.ports import JobReport, OwnerReport, Trouble
from jobs import plan
from jobs.lifecycle import JobState
from jobs.manifests import (
    BrandProject,
    BrandProjectStatus,
    Campaign,
    CampaignStatus,
    Schedule,
    Verdict,
    seconds_of_moment,
    version_name,
    version_number,
)
from jobs.records import CampaignRecord, ChunkRecord, IntakeRecord, TrainRecord, VersionRecord
from jobs.shots import Plan
from jobs.spec import Job

ENDED = frozenset({"Complete", "Failed", "Cancelled", "Ended"})
"""The phases of a campaign of which nothing more is drawn unless a person asks."""


@dataclass(frozen=True)
class Word:
    """A person's word on a version; words are ordered by when they were said."""

    by: str
    version: int
    verdict: Verdict


@dataclass(frozen=True)
class ObservedChunk:
    """Some shots of a plan, and what they came to; after a rerun its job and record, and what came of it `earlier`."""

    job: Job
    record: ChunkRecord | None = None
    earlier: tuple[ChunkRecord, ...] = ()


@dataclass(frozen=True)
class ObservedSheet:
    """A version's contact sheet: its plan, the plan's digest, and its chunks in order."""

    plan: Plan
    digest: str
    chunks: tuple[ObservedChunk, ...]

    @property
    def stands(self) -> bool:
        """Whether every shot of it ended in a record."""
        return all(chunk.record is not None for chunk in self.chunks)


@dataclass(frozen=True)
class ObservedVersion:
    """A version of a project: its record, its training's job and record, and its sheet once it is trained."""

    record: VersionRecord
    job: Job
    trained: TrainRecord | None = None
    sheet: ObservedSheet | None = None

    @property
    def number(self) -> int:
        return self.record.number

    @property
    def name(self) -> str:
        return version_name(self.record.number)


@dataclass(frozen=True)
class Brand:
    """A project as campaigns see it: what it declares, its versions in order, and people's words, oldest first."""

    project: BrandProject
    versions: tuple[ObservedVersion, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def pinned(self) -> int | None:
        """The number of the version that `serve` pins, None where the newest approved one serves."""
        serve = self.project.spec.serve
        return None if serve == "approved" else version_number(serve)

    def version(self, number: int) -> ObservedVersion | None:
        """Version n, if there is one."""
        return next((version for version in self.versions if version.number == number), None)


@dataclass(frozen=True)
class ObservedIntake:
    """The job that the source now asks for and what it came to; or why the source cannot be listed."""

    job: Job | None = None
    record: IntakeRecord | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True)
class ObservedBase:
    """The digest and the licence of the base that the project names, or why there is none."""

    digest: str | None = None
    licence: str = ""
    trouble: Trouble | None = None


class Reports:
    """The dispatcher's last answer about a manifest's jobs, as questions."""

    def __init__(self, report: OwnerReport | None) -> None:
        self._states = report.states if report else {}

    def of(self, job: Job) -> JobReport:
        """How a job stands; one that nobody has told of yet waits."""
        return self._states.get(job.id) or JobReport(state=JobState.WAITING.value)

    def failure(self, job: Job) -> Trouble | None:
        """Why a job failed for good; None where it did not."""
        report = self.of(job)
        if report.state != JobState.FAILED:
            return None
        return report.trouble or Trouble(reason="Failed", message="It failed, and its worker did not say why.")


@dataclass(frozen=True)
class Declared:
    """What today's declaration is: its own digest, and the id of the training that it resolves to, if its base is known."""

    digest: str
    asked: str | None

    def matches(self, record: VersionRecord) -> bool:
        """Whether a version is this declaration: in the same words, or asking for the same training."""
        return self.digest == record.declaration or self.asked == record.asked


@dataclass(frozen=True)
class ObservedProject:
    """All that decides what becomes of a BrandProject now; `now` in seconds since 1970, `chunk` in shots."""

    brand: Brand
    intake: ObservedIntake
    base: ObservedBase
    now: float
    chunk: int
    status: BrandProjectStatus | None = None
    report: OwnerReport | None = None

    @property
    def project(self) -> BrandProject:
        return self.brand.project

    @cached_property
    def reports(self) -> Reports:
        return Reports(self.report)

    @cached_property
    def declared(self) -> Declared | None:
        """Today's declaration, once its dataset is known."""
        if self.intake.record is None:
            return None
        dataset, base = self.intake.record.dataset, self.base.digest
        asked = None if base is None else plan.new_version(self.project, 0, dataset, base, self.now).asked
        return Declared(plan.declaration(self.project, dataset), asked)


@dataclass(frozen=True)
class ObservedCampaign:
    """All that decides what becomes of a Campaign now. `record` and `chunks` once it has started."""

    campaign: Campaign
    brands: Mapping[str, Brand]  # by name; what does not exist is absent
    now: float
    chunk: int
    record: CampaignRecord | None = None
    chunks: tuple[ObservedChunk, ...] = ()
    status: CampaignStatus | None = None
    report: OwnerReport | None = None

    @cached_property
    def reports(self) -> Reports:
        return Reports(self.report)

    @property
    def until(self) -> float | None:
        """The moment after which nothing more is begun, in seconds since 1970."""
        until = self.campaign.spec.until
        return None if until is None else seconds_of_moment(until)

    @property
    def is_late(self) -> bool:
        """Whether that moment has come."""
        return self.until is not None and self.now >= self.until


@dataclass(frozen=True)
class ObservedNight:
    """The campaign of one night: `at` the time that the schedule names and `until` its end, in seconds since 1970."""

    name: str
    uid: str
    at: float
    until: float | None
    status: CampaignStatus | None = None

    @property
    def phase(self) -> str:
        """How it stands, in one word."""
        return (self.status.phase if self.status else None) or "Pending"

    @property
    def progress(self) -> str | None:
        """So many of so many shots."""
        return self.status.progress if self.status else None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is drawn for it."""
        return self.phase in ENDED or self.phase == "Refused"


@dataclass(frozen=True)
class ObservedSchedule:
    """All that decides what becomes of a Campaign with a schedule: its nights, oldest first, and names that others have."""

    campaign: Campaign
    nights: tuple[ObservedNight, ...]
    taken: frozenset[str]
    now: float
    status: CampaignStatus | None = None
    report: OwnerReport | None = None

    @property
    def schedule(self) -> Schedule:
        assert self.campaign.spec.schedule is not None, "a campaign without a schedule is made once"
        return self.campaign.spec.schedule

    @property
    def name(self) -> str:
        return self.campaign.metadata.name or ""

    @property
    def namespace(self) -> str:
        return self.campaign.metadata.namespace

    @property
    def uid(self) -> str:
        return self.campaign.metadata.uid or ""

    @property
    def at_work(self) -> tuple[ObservedNight, ...]:
        """The nights that are not over."""
        return tuple(night for night in self.nights if not night.is_over)

    @property
    def created(self) -> float:
        """When it was created: earlier times are no nights of it."""
        return seconds_of(self.campaign.metadata.creation_timestamp) or self.now

    @property
    def decided(self) -> float | None:
        """The newest night that was begun or left out, as far as the status remembers."""
        return seconds_of(self.status.last_schedule_time) if self.status else None


def seconds_of(timestamp: str | None) -> float | None:
    """Seconds since 1970 of a time that was filled in; None where it was not."""
    return None if timestamp is None else datetime.fromisoformat(timestamp).timestamp()


Observed = ObservedProject | ObservedCampaign | ObservedSchedule
