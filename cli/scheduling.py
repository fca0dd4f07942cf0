"""What a schedule means to a person: when its nights come and how long they may draw. Pure; asks no farm."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.cron import Cron
from jobs.errors import ManifestInvalid
from jobs.manifests import Campaign, Schedule

SHOWN_NIGHTS = 2


def sentence(schedule: Schedule) -> str:
    """The schedule as it is written: `on 30 1 * * * Europe/London, for 5h`."""
    suspended = ", suspended" if schedule.suspend else ""
    return f"on {schedule.cron} {schedule.time_zone}, for {schedule.window}{suspended}"


def told(campaign: Campaign, now: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """When its nights come, from a moment in seconds since 1970, and what a person should be warned of; neither without a schedule."""
    schedule = campaign.spec.schedule
    if schedule is None:
        return (), ()
    try:
        cron = Cron(schedule.cron, schedule.time_zone)
    except ManifestInvalid as odd:
        return (), (f"{odd.message} {odd.hint}",)
    return (_outlook(schedule, [cron.told(moment) for moment in _next(cron, now)]),), ()


def _outlook(schedule: Schedule, nights: list[str]) -> str:
    if schedule.suspend:
        return "begins no night while spec.schedule.suspend is set"
    if not nights:
        return "begins no night: its cron names no time to come"
    return f"begins {', then '.join(nights)}; each night may draw for {schedule.window}"


def _next(cron: Cron, now: float) -> Iterator[float]:
    moment: float | None = now
    for _ in range(SHOWN_NIGHTS):
        moment = None if moment is None else cron.next(moment)
        if moment is not None:
            yield moment
