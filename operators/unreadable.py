"""The status while something cannot be read or reached: all that was said stands, and the sentence says what is in the way.

Nothing that is under way is cancelled because of it. What trying again can cure changes no condition. Pure.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from cluster.ports import Trouble
from jobs.errors import FarmError
from jobs.manifests import (
    CAMPAIGN_CONDITIONS,
    PROJECT_CONDITIONS,
    BrandProjectStatus,
    CampaignStatus,
)
from operators.conditions import NOT_KNOWN, Fact, conditions, of_trouble, sentence

Document = dict[str, Any]
AnyStatus = BrandProjectStatus | CampaignStatus


def kept_status(document: Document, error: FarmError, now: float) -> AnyStatus:
    """The last status of a document with an error's sentence in it; `now` in seconds since 1970."""
    return with_trouble(last_status(document), document, error, now)


def with_trouble(status: AnyStatus, document: Document, error: FarmError, now: float) -> AnyStatus:
    """A status that says, beside what it says, that something is in the way."""
    trouble = Trouble(reason=error.reason, message=error.message, hint=error.hint)
    goes_on = " What is under way goes on." if error.retryable else ""
    facts = {one.type: Fact(_HOLDS[one.status], one.reason, one.message) for one in status.conditions}
    if not error.retryable:
        facts["Degraded"] = of_trouble(trouble, holds=True)
    previous = last_status(document).conditions
    types = PROJECT_CONDITIONS if document["kind"] == "BrandProject" else CAMPAIGN_CONDITIONS
    generation = status.observed_generation or document["metadata"]["generation"]
    update = {
        "phase": status.phase or "Pending",
        "reason": error.reason,
        "message": sentence(trouble) + goes_on,
        "conditions": conditions(types, facts, previous, generation, now),
    }
    return status.model_copy(update=update)


_HOLDS = {"True": True, "False": False, "Unknown": NOT_KNOWN.holds}


def last_status(document: Document) -> AnyStatus:
    """The status as it was written last; an empty one where there is none, or none that this release can read."""
    model = BrandProjectStatus if document["kind"] == "BrandProject" else CampaignStatus
    try:
        return model.model_validate(document.get("status", {}))
    except ValidationError:
        return model()
