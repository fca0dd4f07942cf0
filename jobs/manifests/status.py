"""How a manifest stands, as people and machines read it. Written by the farm alone; derived, never a source."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jobs.manifests import names
from jobs.manifests.part import Number, Part, Whole

PROJECT_CONDITIONS = ("DatasetReady", "Trained", "Approved", "Ready", "Degraded")
CAMPAIGN_CONDITIONS = ("Accepted", "Progressing", "Complete", "Degraded")


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Part):
    """One typed fact for machines."""

    type: names.Reason = Field(description="Which fact.")
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: names.Reason = Field(description="Why, in one word.")
    message: str = Field(default="", description="Why, in one sentence with the numbers.")
    last_transition_time: names.Timestamp = Field(description="When its status last changed.")
    observed_generation: Whole | None = Field(default=None, ge=0, description="The generation that it speaks of.")


class Status(Part):
    """What the status of every kind says."""

    phase: names.Reason | None = Field(default=None, description="How it stands, in one word for people.")
    progress: str | None = Field(default=None, description="So many of so many, such as 120/300.")
    reason: names.Reason | None = Field(default=None, description="Why it stands so, in one word.")
    message: str | None = Field(default=None, description="Why it stands so, in one sentence with the numbers.")
    observed_generation: Whole | None = Field(default=None, ge=0, description="The generation that it speaks of.")
    conditions: tuple[Condition, ...] = Field(default=(), description="Typed facts, always all present.")

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type."""
        return next((condition for condition in self.conditions if condition.type == type_), None)


class DatasetStatus(Part):
    """What intake made of the source."""

    id: str = Field(description="The dataset's digest.")
    images: Whole = Field(ge=0, description="Pictures that are trained on.")
    set_aside: Whole = Field(default=0, ge=0, description="Files that could not be used.")


class VersionStatus(Part):
    """One version of the project."""

    version: names.Version = Field(description="Its name.")
    state: str = Field(description="How it stands: training, trained, approved, rejected, failed.")
    asked: str | None = Field(default=None, description="The digest of what was asked; its training's job id.")
    trained: names.Timestamp | None = Field(default=None, description="When it was trained.")
    approvals: Whole = Field(default=0, ge=0, description="Distinct people who approved it.")
    sheet: str | None = Field(default=None, description="The digest of its contact sheet's plan.")


class BrandProjectStatus(Status):
    """How a brand stands."""

    serving: names.Version | None = Field(default=None, description="The version that campaigns get.")
    newest: names.Version | None = Field(default=None, description="The newest version.")
    dataset: DatasetStatus | None = Field(default=None, description="What intake made of the source.")
    versions: tuple[VersionStatus, ...] = Field(default=(), description="All versions, oldest first.")


class ShotCounts(Part):
    """How many shots stand where."""

    planned: Whole = Field(default=0, ge=0, description="All that the lists come to.")
    made: Whole = Field(default=0, ge=0, description="Drawn for this campaign.")
    reused: Whole = Field(default=0, ge=0, description="Found in the store: the same recipe, made before.")
    failed: Whole = Field(default=0, ge=0, description="Could not be drawn.")


class NightStatus(Part):
    """What became of one night of a schedule."""

    name: names.Name = Field(description="Its campaign.")
    time: names.Timestamp = Field(description="The time that the schedule names.")
    phase: names.Reason = Field(description="How it ended; Skipped, where it never began.")
    reason: names.Reason = Field(description="Why it ended so, in one word.")
    message: str = Field(default="", description="Why it ended so, in one sentence with the numbers.")
    progress: str | None = Field(default=None, description="So many of so many shots.")


class CampaignStatus(Status):
    """How a campaign stands."""

    shots: ShotCounts = Field(default_factory=ShotCounts, description="How many shots stand where.")
    images_per_second: Number | None = Field(default=None, ge=0, description="The pace of the last minute.")
    forecast: names.Timestamp | None = Field(default=None, description="When it should be complete at this pace.")
    last_schedule_time: names.Timestamp | None = Field(
        default=None, description="Of a schedule: the newest night that was begun or left out."
    )
    next_schedule_time: names.Timestamp | None = Field(
        default=None, description="Of a schedule: the next night's time."
    )
    active: tuple[names.Name, ...] = Field(
        default=(), max_length=100, description="Of a schedule: the nights at work, oldest first."
    )
    last_night: NightStatus | None = Field(
        default=None, description="Of a schedule: what became of the newest night that is over."
    )
