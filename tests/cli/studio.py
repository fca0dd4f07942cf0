"""A studio's brands and campaigns at every stage, as the controller would tell of them."""

from __future__ import annotations

from typing import Any

from tests import builders
from tests.fakes.farm import FakeFarm

Status = dict[str, Any]
DAWN = "2026-11-21T06:30:00Z"


def condition(type_: str, holds: bool, reason: str, message: str = "") -> Status:
    """One condition, of the first generation."""
    return {
        "type": type_,
        "status": "True" if holds else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": DAWN,
        "observedGeneration": 1,
    }


def version(name: str, state: str, approvals: int = 0) -> Status:
    """One version of a brand."""
    return {"version": name, "state": state, "approvals": approvals, "asked": builders.digest(name)}


def training() -> Status:
    """v2 trains while v1 serves."""
    return {
        "phase": "Training",
        "progress": "120/300",
        "reason": "Training",
        "message": "v2 trains: step 120 of 300, loss 0.1203.",
        "serving": "v1",
        "newest": "v2",
        "versions": [version("v1", "approved", 1), version("v2", "training")],
        "dataset": {"id": builders.digest("dataset"), "images": 32, "setAside": 1},
        "conditions": [condition("Ready", True, "Serving", "v1 serves."), condition("Trained", False, "Training")],
    }


def awaiting(count: int = 1) -> Status:
    """v1 is trained and its sheet stands; nobody has looked yet."""
    message = "v1 has 0 of 1 approval. Look at `brandfarm sheet stable-socks`."
    return {
        "phase": "AwaitingApproval",
        "progress": "0/1",
        "reason": "AwaitingApproval",
        "message": message,
        "newest": f"v{count}",
        "versions": [version(f"v{number}", "trained") for number in range(1, count + 1)],
        "conditions": [
            condition("Trained", True, "Trained"),
            condition("Ready", False, "AwaitingApproval", message),
            condition("Degraded", False, "AsExpected"),
        ],
    }


def ready(*approved: str, serving: str | None = None) -> Status:
    """Versions that were approved, the last of which serves unless another is named."""
    serves = serving or approved[-1]
    return {
        "phase": "Ready",
        "reason": "Serving",
        "message": f"{serves} serves.",
        "serving": serves,
        "newest": approved[-1],
        "versions": [version(name, "approved", 1) for name in approved],
        "conditions": [condition("Ready", True, "Serving", f"{serves} serves.")],
    }


def failed() -> Status:
    """The only version diverged."""
    message = "The loss of v1 is not a number at step 40. Lower recipe.learningRate."
    return {
        "phase": "Failed",
        "reason": "Diverged",
        "message": message,
        "newest": "v1",
        "versions": [version("v1", "failed")],
        "conditions": [
            condition("Ready", False, "Training", "v1 is not trained yet."),
            condition("Degraded", True, "Diverged", message),
        ],
    }


def drawing() -> Status:
    """A campaign of 20 shots, of which 12 stand."""
    return {
        "phase": "Generating",
        "progress": "12/20",
        "reason": "Generating",
        "message": "10 drawn, 2 reused, 0 failed of 20.",
        "shots": {"planned": 20, "made": 10, "reused": 2, "failed": 0},
        "forecast": DAWN,
        "conditions": [condition("Complete", False, "Generating")],
    }


def fill(farm: FakeFarm) -> None:
    """Two brands and a campaign."""
    farm.create(builders.project())
    farm.set_status("BrandProject", "default", "stable-socks", training())
    farm.create(builders.project("olive-oil"))
    farm.set_status("BrandProject", "default", "olive-oil", awaiting())
    farm.create(builders.campaign())
    farm.set_status("Campaign", "default", "spring", drawing())
