"""A schedule's status: its next night, those at work, and what became of the last one. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.documents import timestamp
from jobs.errors import FarmError
from jobs.manifests import CAMPAIGN_CONDITIONS, CampaignStatus, NightStatus
from operators.campaign_status import Obstacle
from operators.conditions import AS_EXPECTED, Fact, conditions
from operators.observed import ObservedNight, ObservedSchedule

SKIPPED = "Skipped"
"""The phase of a night that never began."""

ACCEPTED = Fact(True, "Accepted", "Its nights can be made.")


@dataclass(frozen=True)
class Outlook:
    """What was concluded: the next time, the one decided on now, the night that begins, and what is in the way of one."""

    next_time: float | None
    told_next: str
    decided: float | None = None
    begun: str | None = None
    waits: Obstacle | None = None
    skipped: NightStatus | None = None


def drew(phase: str, progress: str | None) -> bool:
    """Whether an ended night counts as one that drew something."""
    return phase in ("Complete", "Ended") and not (progress or "0/").startswith("0/")


def refused(seen: ObservedSchedule, odd: FarmError) -> CampaignStatus:
    """The status of a schedule whose times nobody understands."""
    message = f"{odd.message} {odd.hint}"
    fact = Fact(False, "ScheduleInvalid", message)
    facts = {"Accepted": fact, "Progressing": fact, "Complete": fact, "Degraded": AS_EXPECTED}
    return _status(seen, "Refused", "ScheduleInvalid", message, facts, Outlook(None, ""))


def status(seen: ObservedSchedule, outlook: Outlook) -> CampaignStatus:
    """The status of a schedule that is understood."""
    active, last = _active(seen, outlook), _last(seen, outlook)
    if active:
        phase, reason = "Running", "NightAtWork"
    elif seen.schedule.suspend:
        phase, reason = "Suspended", "Suspended"
    elif outlook.next_time is None and outlook.waits is None:
        phase, reason = "Complete", "ScheduleEnded"
    else:
        phase, reason = "Scheduled", "Scheduled"
    reason = outlook.waits.reason if outlook.waits else reason
    message = " ".join(_sentences(seen, outlook, active, last))
    facts = {
        "Accepted": ACCEPTED,
        "Progressing": Fact(bool(active), reason, message),
        "Complete": Fact(phase == "Complete", reason, message),
        "Degraded": _degraded(outlook, last),
    }
    return _status(seen, phase, reason, message, facts, outlook)


def _sentences(
    seen: ObservedSchedule, outlook: Outlook, active: tuple[str, ...], last: NightStatus | None
) -> Iterator[str]:
    if active:
        yield f"{' and '.join(active)} {'is' if len(active) == 1 else 'are'} at work."
    if outlook.waits is not None:
        yield outlook.waits.message
    elif seen.schedule.suspend:
        yield "It is suspended: no night begins until spec.schedule.suspend is false."
    elif outlook.next_time is None:
        yield "No further night comes."
    else:
        yield f"The next night is {outlook.told_next}."
    if last is not None and not active:
        counted = f", {last.progress} images" if last.progress else ""
        why = "" if last.reason == last.phase else f" ({last.reason})"
        yield f"The last, {last.name}: {last.phase}{why}{counted}."


def _degraded(outlook: Outlook, last: NightStatus | None) -> Fact:
    if outlook.waits is not None and outlook.waits.reason == "NameTaken":
        return Fact(True, outlook.waits.reason, outlook.waits.message)
    if last is None or drew(last.phase, last.progress) or last.reason in ("Suspended", "Cancelled", "Replaced"):
        return AS_EXPECTED
    reason = "NightSkipped" if last.phase == SKIPPED else "NightFailed"
    return Fact(True, reason, f"{last.name}: {last.message or last.reason}")


def _active(seen: ObservedSchedule, outlook: Outlook) -> tuple[str, ...]:
    begun = () if outlook.begun is None else (outlook.begun,)
    return (*(one.name for one in seen.at_work), *begun)


def _last(seen: ObservedSchedule, outlook: Outlook) -> NightStatus | None:
    """The newest night that is over: one that stands, one that was left out now, or the one that the status remembers."""
    told = {seen.status.last_night.time: seen.status.last_night} if seen.status and seen.status.last_night else {}
    told |= {timestamp(one.at): _told(one) for one in seen.nights if one.is_over}
    if outlook.skipped is not None:
        told[outlook.skipped.time] = outlook.skipped
    at_work = {timestamp(one.at) for one in seen.at_work}
    return max((one for time, one in told.items() if time not in at_work), key=lambda one: one.time, default=None)


def _told(one: ObservedNight) -> NightStatus:
    said = one.status or CampaignStatus()
    return NightStatus(
        name=one.name,
        time=timestamp(one.at),
        phase=one.phase,
        reason=said.reason or one.phase,
        message=said.message or "",
        progress=said.progress,
    )


def _last_schedule_time(seen: ObservedSchedule, outlook: Outlook) -> str | None:
    known = [seen.decided, outlook.decided, *(one.at for one in seen.nights)]
    newest = max((one for one in known if one is not None), default=None)
    return None if newest is None else timestamp(newest)


def _status(
    seen: ObservedSchedule, phase: str, reason: str, message: str, facts: dict[str, Fact], outlook: Outlook
) -> CampaignStatus:
    generation = seen.campaign.metadata.generation or 0
    previous = seen.status.conditions if seen.status else ()
    is_next_told = outlook.next_time is not None and not seen.schedule.suspend
    return CampaignStatus(
        phase=phase,
        progress=seen.at_work[0].progress if len(seen.at_work) == 1 else None,
        reason=reason,
        message=message,
        observed_generation=generation,
        conditions=conditions(CAMPAIGN_CONDITIONS, facts, previous, generation, seen.now),
        last_schedule_time=_last_schedule_time(seen, outlook),
        next_schedule_time=timestamp(outlook.next_time) if is_next_told and outlook.next_time is not None else None,
        active=_active(seen, outlook)[:100],
        last_night=_last(seen, outlook),
    )
