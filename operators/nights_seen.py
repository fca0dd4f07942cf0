"""The nights of a schedule among the campaigns of its namespace, and who else has a night's name. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from jobs.manifests import Campaign, CampaignStatus, seconds_of_moment
from jobs.manifests.nights import night_time
from operators.observed import ObservedNight

Document = dict[str, Any]


def nights(schedule: Campaign, others: Iterable[Document]) -> tuple[tuple[ObservedNight, ...], frozenset[str]]:
    """The schedule's own nights, oldest first, and the names of its nights that other campaigns have."""
    own, taken = [], set()
    for document in others:
        metadata = document["metadata"]
        at = night_time(schedule.metadata.name or "", metadata["name"])
        if at is None:
            continue
        if is_of(document, schedule.metadata.uid or ""):
            own.append(_night(document, at))
        else:
            taken.add(metadata["name"])
    return tuple(sorted(own, key=lambda one: one.at)), frozenset(taken)


def is_of(document: Document, schedule_uid: str) -> bool:
    """Whether a campaign belongs to the schedule of that uid."""
    return any(owner["uid"] == schedule_uid for owner in document["metadata"].get("ownerReferences", ()))


def _night(document: Document, at: float) -> ObservedNight:
    metadata, until = document["metadata"], document["spec"].get("until")
    try:
        status = CampaignStatus.model_validate(document["status"]) if "status" in document else None
    except ValidationError:  # another release wrote it
        status = None
    return ObservedNight(
        metadata["name"], metadata["uid"], at, None if until is None else seconds_of_moment(until), status
    )
