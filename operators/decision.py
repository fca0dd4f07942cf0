"""What the controller has concluded about one manifest, as values: what to write down, what to hand over, what to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.manifests import BrandProjectStatus, CampaignStatus
from jobs.records import CampaignRecord, VersionRecord
from jobs.shots import Plan
from jobs.spec import Job


@dataclass(frozen=True)
class WriteVersion:
    """Give a declaration its number, for ever."""

    record: VersionRecord


@dataclass(frozen=True)
class KeepPlan:
    """Keep a sheet's plan where the worker finds it."""

    plan: Plan


@dataclass(frozen=True)
class StartCampaign:
    """Freeze what a campaign resolved to."""

    plan: Plan
    record: CampaignRecord


@dataclass(frozen=True)
class MakeNight:
    """Make the campaign of one night of a schedule."""

    document: dict[str, Any]
    schedule_uid: str

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])


@dataclass(frozen=True)
class EndNight:
    """Let a night end at a moment, because another one begins."""

    namespace: str
    name: str
    uid: str
    until: str
    replaced_by: str


@dataclass(frozen=True)
class DropNight:
    """Delete the manifest of a night that ended."""

    namespace: str
    name: str
    uid: str


Action = WriteVersion | KeepPlan | StartCampaign | MakeNight | EndNight | DropNight


@dataclass(frozen=True)
class Decision:
    """What follows from what was seen: things to write once, all the jobs that are wanted now, and the status."""

    actions: tuple[Action, ...]
    wanted: tuple[Job, ...]
    status: BrandProjectStatus | CampaignStatus
    look_at: float | None = None  # when to look again though nothing changes, in seconds since 1970

    @property
    def changes_facts(self) -> bool:
        """Whether the next look will see something that this one could not."""
        return any(not isinstance(action, KeepPlan) for action in self.actions)
