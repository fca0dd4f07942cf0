"""The nights of a schedule: how their campaigns are named and what they ask for. Pure; knows no cron and no clock."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.manifests import names
from jobs.manifests.campaign import Campaign
from jobs.manifests.meta import ObjectMeta, OwnerReference

SCHEDULE_LABEL = f"{names.GROUP}/schedule"
"""The label of a night; its value is the schedule's name."""

REPLACED_BY = f"{names.GROUP}/replaced-by"
"""The annotation of a night that was ended because the next one began; its value is that one's name."""

_STAMP = "%Y%m%dt%H%M"


def night_name(schedule: str, at: float) -> str:
    """The name of the night of a time, in seconds since 1970: the same whoever makes it, so that it is made once."""
    return f"{schedule}-{datetime.fromtimestamp(at, UTC).strftime(_STAMP)}"


def night_time(schedule: str, name: str) -> float | None:
    """The time of the night of that name; None where it is no night of this schedule."""
    if not name.startswith(f"{schedule}-"):
        return None
    stamp = name.removeprefix(f"{schedule}-")
    try:
        at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return at if night_name(schedule, at) == name else None


def night(schedule: Campaign, at: float, until: str, deadline: str | None) -> Campaign:
    """The campaign of one night: what the schedule says, with moments for its end and its deadline."""
    parent = schedule.metadata
    assert parent.name, f"{schedule.title} has no name yet"
    assert parent.uid, f"{schedule.title} was not read from where manifests are kept"
    owner = OwnerReference(
        api_version=schedule.api_version, kind=schedule.kind, name=parent.name, uid=parent.uid, controller=True
    )
    placement = schedule.spec.placement.model_copy(update={"deadline": deadline})
    return Campaign(
        metadata=ObjectMeta(
            name=night_name(parent.name, at),
            namespace=parent.namespace,
            labels={**parent.labels, SCHEDULE_LABEL: parent.name},
            owner_references=(owner,),
        ),
        spec=schedule.spec.model_copy(update={"schedule": None, "until": until, "placement": placement}),
    )
