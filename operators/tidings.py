"""What befell a manifest between two statuses, as a person wants to read it in its history. Pure: the same two, the same tidings.

A trouble of the whole farm (its store or dispatcher is away) is no manifest's: the status says it, and nothing is told here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from jobs.errors import DispatcherUnavailable, StoreUnavailable
from jobs.manifests import BrandProjectStatus, CampaignStatus, Condition, ConditionStatus
from jobs.manifests.status import Status
from operators.schedule import LAST_AT_WORK
from operators.schedule_status import SKIPPED

FARM_WIDE = frozenset({DispatcherUnavailable.__name__, StoreUnavailable.__name__})


@dataclass(frozen=True)
class Tiding:
    """One thing that befell it: of which kind, one word, one sentence."""

    kind: Literal["Normal", "Warning"]
    reason: str
    message: str


AnyStatus = BrandProjectStatus | CampaignStatus


def between(before: Status | None, now: AnyStatus) -> tuple[Tiding, ...]:
    """What is to be told once a status has become another; None before the first."""
    match now:
        case BrandProjectStatus():
            old = before if isinstance(before, BrandProjectStatus) else BrandProjectStatus()
            return (*_at_first(old), *_of_project(old, now), *_trouble(old, now))
        case CampaignStatus():
            older = before if isinstance(before, CampaignStatus) else CampaignStatus()
            told = _of_schedule if _is_of_schedule(now) else _of_campaign
            return (*told(older, now), *_trouble(older, now))


def _at_first(old: BrandProjectStatus) -> Iterator[Tiding]:
    if old.phase is None:
        yield _normal("Accepted", "The controller has read it and follows it from now on.")


def _of_project(old: BrandProjectStatus, now: BrandProjectStatus) -> Iterator[Tiding]:
    if _is(now, "Intake", "Queued") and not _is(old, "Intake", "Queued"):
        yield _normal("IntakeQueued", now.message or "")
    if _is(now, "Intake", "Intake") and not _is(old, "Intake", "Intake"):
        yield _normal("IntakeStarted", now.message or "")
    if _turned(old, now, "DatasetReady"):
        yield _normal("DatasetReady", _said(now, "DatasetReady"))
    if now.newest is not None and now.newest != old.newest:
        yield _normal("VersionDeclared", f"{now.newest} has its number and goes to training.")
    if _is(now, "Training", "Training") and not _is(old, "Training", "Training"):
        yield _normal("TrainingStarted", now.message or "")
    trained = {one.version for one in old.versions if one.trained}
    for one in now.versions:
        if one.trained and one.version not in trained:
            yield _normal("Trained", _of_version(now, one.version))
    if now.phase == "AwaitingApproval" and (old.phase, old.progress) != (now.phase, now.progress):
        yield _normal("AwaitingApproval", now.message or "")
    if now.serving is not None and now.serving != old.serving:
        yield _normal("Serving", f"{now.serving} serves.")
    if now.serving is None and old.serving is not None:
        yield Tiding("Warning", "ServesNoMore", f"{old.serving} serves no more: {_said(now, 'Ready')}")


def _of_campaign(old: CampaignStatus, now: CampaignStatus) -> Iterator[Tiding]:
    message = now.message or ""
    if now.phase == "Waiting" and (old.phase, old.reason) != (now.phase, now.reason):
        yield _normal(now.reason or "Waiting", message)
    if _has_started(now) and not _has_started(old):
        yield _normal("CampaignStarted", f"{now.shots.planned} images are asked for.")
    if now.phase == "Complete" and old.phase != "Complete":
        yield _normal("CampaignComplete", message)
    if now.phase == "Cancelled" and old.phase != "Cancelled":
        yield _normal("CampaignCancelled", message)
    if now.phase in ("Failed", "Refused") and (old.phase, old.reason) != (now.phase, now.reason):
        yield Tiding("Warning", f"Campaign{now.phase}", message)


def _of_schedule(old: CampaignStatus, now: CampaignStatus) -> Iterator[Tiding]:
    """A night that was left out, or drew nothing, is a trouble where nobody asked for that; then it is told as one."""
    for name in now.active:
        if name not in old.active:
            yield _normal("NightBegan", f"{name} begins.")
    if now.reason == LAST_AT_WORK and old.reason != LAST_AT_WORK:
        yield _normal("NightWaits", now.message or "")
    last, known, trouble = now.last_night, old.last_night, _degraded(now)
    is_new = last is not None and (known is None or (last.time, last.phase) != (known.time, known.phase))
    if last is not None and is_new and not (trouble and trouble.reason in ("NightSkipped", "NightFailed")):
        if last.phase == SKIPPED:
            yield _normal("NightSkipped", f"{last.name} is left out: {last.message or last.reason}")
        else:
            yield _normal("NightEnded", f"{last.name}: {last.phase}, {last.progress or '0/0'} images.")
    if now.phase in ("Scheduled", "Suspended") and old.phase not in (now.phase, "Running"):
        yield _normal(now.phase, now.message or "")
    if now.phase == "Complete" and old.phase != "Complete":
        yield _normal("ScheduleEnded", now.message or "")


def _is_of_schedule(status: CampaignStatus) -> bool:
    return status.phase in ("Scheduled", "Running", "Suspended") or status.reason == "ScheduleEnded"


def _has_started(status: CampaignStatus) -> bool:
    return status.phase in ("Generating", "Complete", "Failed", "Cancelled")


def _trouble(old: AnyStatus, now: AnyStatus) -> Iterator[Tiding]:
    """A trouble that is new, or another than before; a source that cannot be taken in is a refused dataset."""
    before, trouble = _degraded(old), _degraded(now)
    if trouble is None or trouble.reason in FARM_WIDE:
        return
    if before is not None and (before.reason, before.message) == (trouble.reason, trouble.message):
        return
    dataset = now.condition("DatasetReady")
    is_datasets = dataset is not None and dataset.status != ConditionStatus.TRUE and dataset.reason == trouble.reason
    yield Tiding("Warning", "DatasetRefused" if is_datasets else trouble.reason, trouble.message)


def _degraded(status: AnyStatus) -> Condition | None:
    found = status.condition("Degraded")
    return found if found is not None and found.status == ConditionStatus.TRUE else None


def _turned(old: AnyStatus, now: AnyStatus, type_: str) -> bool:
    before, after = old.condition(type_), now.condition(type_)
    holds = after is not None and after.status == ConditionStatus.TRUE
    return holds and (before is None or before.status != ConditionStatus.TRUE)


def _said(status: AnyStatus, type_: str) -> str:
    found = status.condition(type_)
    return found.message if found is not None else ""


def _of_version(status: BrandProjectStatus, version: str) -> str:
    """How a version was trained; the condition speaks of one of them only."""
    told = _said(status, "Trained")
    return told if told.startswith(f"{version}:") else f"{version} is trained."


def _is(status: Status, phase: str, reason: str) -> bool:
    return (status.phase, status.reason) == (phase, reason)


def _normal(reason: str, message: str) -> Tiding:
    return Tiding("Normal", reason, message)
