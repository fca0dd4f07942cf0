"""The decision about any manifest, by its kind. Pure: no clock, no store, no network; the same sight, the same decision."""

from __future__ import annotations

from operators import campaigns, projects, schedule
from operators.decision import Decision
from operators.observed import Observed, ObservedCampaign, ObservedProject, ObservedSchedule


def reconcile(seen: Observed) -> Decision:
    """What to write down, which jobs are wanted, and what the status says."""
    match seen:
        case ObservedProject():
            return projects.reconcile(seen)
        case ObservedCampaign():
            return campaigns.reconcile(seen)
        case ObservedSchedule():
            return schedule.reconcile(seen)
