"""Whether what a person waits for has come, will come, or needs somebody first. Pure: a document in, an outlook out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cli.targets import CAMPAIGN
from jobs.manifests import CAMPAIGN_CONDITIONS, PROJECT_CONDITIONS

LASTING_PHASES = {"Failed", "Refused", "Cancelled", "Ended"}
APPROVAL = "AwaitingApproval"
WORKING_PHASES = {"Intake", "Training", "Sampling"}
"""While these last, nobody has a whole contact sheet to approve."""


class Outlook(StrEnum):
    """What is to be expected of waiting on."""

    HERE = "here"
    COMING = "coming"
    NEEDS_APPROVAL = "needs approval"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """What a look at a manifest says: the outlook, its phase, how far it is, and why it stands so."""

    outlook: Outlook
    phase: str
    progress: str
    message: str


def conditions_of(kind: str) -> Sequence[str]:
    """The conditions that one can wait for."""
    return CAMPAIGN_CONDITIONS if kind == CAMPAIGN else PROJECT_CONDITIONS


def usual(kind: str) -> str:
    """What one waits for unless one says otherwise."""
    return "Complete" if kind == CAMPAIGN else "Ready"


def look(document: dict[str, Any], condition: str) -> Seen:
    """What a manifest's status says of a condition; a status of an earlier edit says nothing."""
    status = document.get("status") or {}
    phase = str(status.get("phase") or "Pending")
    seen = (phase, str(status.get("progress") or ""), str(status.get("message") or ""))
    if status.get("observedGeneration") != document["metadata"].get("generation"):
        return Seen(Outlook.COMING, *seen)
    facts = {one["type"]: one for one in status.get("conditions", ())}
    return Seen(_outlook(document["kind"], phase, facts, condition), *seen)


def _outlook(kind: str, phase: str, facts: dict[str, dict[str, Any]], condition: str) -> Outlook:
    wanted = facts.get(condition, {})
    if wanted.get("status") == "True":
        return Outlook.HERE
    if wanted.get("reason") == APPROVAL and phase not in WORKING_PHASES:
        return Outlook.NEEDS_APPROVAL
    is_degraded = facts.get("Degraded", {}).get("status") == "True"
    if phase in LASTING_PHASES or (is_degraded and kind != CAMPAIGN):
        return Outlook.FAILED  # a campaign goes on when single shots fail
    return Outlook.COMING
