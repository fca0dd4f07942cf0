"""What follows from what was seen of a schedule: which night begins, waits or is left out, and which are forgotten. Pure.

A night is a campaign of its own, named after its time, so that making it twice makes it once. Only the newest one that is due
counts: a farm that was away for a week makes one night, not seven.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cluster.cron import Cron
from cluster.documents import timestamp
from jobs import manifests
from jobs.errors import ManifestInvalid
from jobs.manifests import Concurrency, Missed, NightStatus, Schedule, seconds_of_moment
from jobs.manifests.nights import night, night_name
from operators import schedule_status
from operators.campaign_status import Obstacle
from operators.decision import Action, Decision, DropNight, EndNight, MakeNight
from operators.observed import ObservedNight, ObservedSchedule

LAST_AT_WORK = "LastNightAtWork"
SUSPENDED = "Suspended"

SOON_SECONDS = 1.0
"""After what time a night is forgotten of which the status is being told."""

_UNIT_SECONDS = {"m": 60, "h": 3600}


@dataclass(frozen=True)
class Verdict:
    """What becomes of the newest night that is due: it begins, waits, or is left out. All empty: none is due."""

    due: float | None = None
    begins: MakeNight | None = None
    waits: Obstacle | None = None
    skipped: Obstacle | None = None


def reconcile(seen: ObservedSchedule) -> Decision:
    """The night that begins now, those that it ends, those that are forgotten, and when to look again."""
    try:
        cron = Cron(seen.schedule.cron, seen.schedule.time_zone)
    except ManifestInvalid as odd:
        return Decision((), (), schedule_status.refused(seen, odd))
    verdict, next_time = _judge(seen, cron), _next(seen, cron)
    outlook = schedule_status.Outlook(
        next_time=next_time,
        told_next=cron.told(next_time) if next_time is not None else "",
        decided=verdict.due if verdict.begins or verdict.skipped else None,
        begun=verdict.begins.name if verdict.begins else None,
        waits=verdict.waits,
        skipped=_skipped(seen, verdict),
    )
    actions = (*_begin(seen, verdict), *_forget(seen))
    return Decision(actions, (), schedule_status.status(seen, outlook), _look_at(seen, verdict, next_time))


def _judge(seen: ObservedSchedule, cron: Cron) -> Verdict:
    due = _due(seen, cron)
    if due is None:
        return Verdict()
    closes, obstacle = _closes(seen, due), _obstacle(seen, due)
    in_window, runs_late = seen.now < closes, seen.schedule.missed is Missed.RUN
    if obstacle is not None:
        may_wait = in_window or (runs_late and obstacle.reason == LAST_AT_WORK)
        return Verdict(due, waits=obstacle) if may_wait else Verdict(due, skipped=obstacle)
    ends = closes if in_window else _late_end(seen, cron)
    if ends <= seen.now or not (in_window or runs_late):
        return Verdict(due, skipped=Obstacle("WindowMissed", f"Nothing could begin it before {timestamp(closes)}."))
    return Verdict(due, begins=_night(seen, cron, due, ends, since=due if in_window else seen.now))


def _due(seen: ObservedSchedule, cron: Cron) -> float | None:
    """The newest time that has come since the last one that was decided on, if nothing is decided on it yet."""
    known = [seen.created, seen.decided, *(one.at for one in seen.nights)]
    until = min(seen.now, _until(seen) - 1)
    return cron.newest(max(one for one in known if one is not None), until)


def _next(seen: ObservedSchedule, cron: Cron) -> float | None:
    found = cron.next(seen.now)
    return found if found is not None and found < _until(seen) else None


def _until(seen: ObservedSchedule) -> float:
    until = seen.campaign.spec.until
    return float("inf") if until is None else seconds_of_moment(until)


def _closes(seen: ObservedSchedule, due: float) -> float:
    """When the window of a night closes."""
    return min(due + window_seconds(seen.schedule), _until(seen))


def _late_end(seen: ObservedSchedule, cron: Cron) -> float:
    """Until when a missed night may draw: a window from now on, but not into the next night."""
    ends = [_until(seen), float(int(seen.now) + window_seconds(seen.schedule))]
    following = cron.next(seen.now)
    return min(ends if following is None else [*ends, following])


def window_seconds(schedule: Schedule) -> int:
    """How long a night may last."""
    return int(schedule.window[:-1]) * _UNIT_SECONDS[schedule.window[-1]]


def _obstacle(seen: ObservedSchedule, due: float) -> Obstacle | None:
    """What keeps a night from beginning now."""
    name = night_name(seen.name, due)
    if seen.schedule.suspend:
        return Obstacle(SUSPENDED, "spec.schedule.suspend is set, so no night begins.")
    if name in seen.taken:
        message = f"There is a campaign {name} that is no night of this schedule: delete it, or give the schedule another name."
        return Obstacle("NameTaken", message)
    if seen.schedule.concurrency is Concurrency.FORBID and seen.at_work:
        last = seen.at_work[-1]
        return Obstacle(LAST_AT_WORK, f"{name} waits until {last.name} is over.")
    return None


def _night(seen: ObservedSchedule, cron: Cron, due: float, ends: float, since: float) -> MakeNight:
    deadline = seen.campaign.spec.placement.deadline
    if deadline is not None and "T" not in deadline:
        deadline = timestamp(cron.time_of_day(deadline, since))
    made = night(seen.campaign, due, timestamp(ends), deadline)
    return MakeNight(manifests.dump(made), seen.uid)


def _begin(seen: ObservedSchedule, verdict: Verdict) -> Iterator[Action]:
    """The night that begins; those that it replaces are ended first, so that a stop in between leaves too few and not too many."""
    if verdict.begins is None:
        return
    if seen.schedule.concurrency is Concurrency.REPLACE:
        for one in seen.at_work:
            if one.until is None or one.until > seen.now:
                yield EndNight(seen.namespace, one.name, one.uid, timestamp(seen.now), verdict.begins.name)
    yield verdict.begins


def _forget(seen: ObservedSchedule) -> Iterator[Action]:
    """The nights too many, once the status remembers what became of the last one."""
    for one in _too_many(seen):
        if _is_remembered(seen, one):
            yield DropNight(seen.namespace, one.name, one.uid)


def _too_many(seen: ObservedSchedule) -> Iterator[ObservedNight]:
    """The oldest ended nights beyond those that are kept."""
    kept = {True: seen.schedule.history.complete, False: seen.schedule.history.failed}
    for one in reversed(seen.nights):
        if one.is_over:
            drew = schedule_status.drew(one.phase, one.progress)
            kept[drew] -= 1
            if kept[drew] < 0:
                yield one


def _is_remembered(seen: ObservedSchedule, one: ObservedNight) -> bool:
    last = seen.status.last_night if seen.status else None
    return last is not None and timestamp(one.at) <= last.time


def _skipped(seen: ObservedSchedule, verdict: Verdict) -> NightStatus | None:
    if verdict.skipped is None or verdict.due is None:
        return None
    return NightStatus(
        name=night_name(seen.name, verdict.due),
        time=timestamp(verdict.due),
        phase=schedule_status.SKIPPED,
        reason=verdict.skipped.reason,
        message=verdict.skipped.message,
    )


def _look_at(seen: ObservedSchedule, verdict: Verdict, next_time: float | None) -> float | None:
    """When time alone changes something: a night becomes due, the window of one that waits closes, one can be forgotten."""
    moments = [next_time]
    if not all(_is_remembered(seen, one) for one in _too_many(seen)):
        moments.append(seen.now + SOON_SECONDS)
    if verdict.waits is not None and verdict.due is not None:
        moments.append(_closes(seen, verdict.due))
    return min((one for one in moments if one is not None and one > seen.now), default=None)
