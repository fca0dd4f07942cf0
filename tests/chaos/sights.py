"""What an onlooker of a farm saw over time, and how long it took from a fault until work went on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cluster.ports import JobReport


@dataclass(frozen=True)
class Sight:
    """One look: wall seconds, every job's report by id, a number that grows with every change of a manifest, the epoch of the
    dispatcher that answered, and the manifests that it had heard of, by uid."""

    at: float
    jobs: dict[str, JobReport] = field(default_factory=dict)
    changes: int = 0
    is_complete: bool = False
    epoch: int = 0
    owners: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fault:
    """What was done to a farm. `at`: when it happened or, for what comes back, when it came back. `lost`: the worker whose
    jobs must be begun anew; `waits_for_dispatcher`: there must be a new one; `waits_for_controller`: it must write a status
    again too."""

    at: float
    lost: str = ""
    waits_for_jobs: bool = True
    waits_for_controller: bool = False
    waits_for_dispatcher: bool = False


def recovery_seconds(history: Sequence[Sight], fault: Fault) -> float | None:
    """From a fault until every job that was under way has told progress again (those of a lost worker in a new attempt),
    and the controller has changed a manifest where it is waited for; None where that was never seen."""
    before = _before(history, fault.at)
    after = (sight for sight in history if sight.at > fault.at)
    return next((sight.at - fault.at for sight in after if _goes_on(before, sight, fault)), None)


def _before(history: Sequence[Sight], at: float) -> Sight:
    """The last look before a moment at which the dispatcher answered, with the newest count of changes."""
    earlier = [sight for sight in history if sight.at <= at]
    answered = [sight for sight in earlier if sight.jobs]
    last = answered[-1] if answered else Sight(at)
    epoch = max((sight.epoch for sight in earlier), default=0)
    return Sight(at, last.jobs, earlier[-1].changes if earlier else 0, epoch=epoch, owners=last.owners)


def _goes_on(before: Sight, now: Sight, fault: Fault) -> bool:
    if now.is_complete:
        return True
    if fault.waits_for_controller and now.changes <= before.changes:
        return False
    if fault.waits_for_dispatcher and now.epoch <= before.epoch:
        return False
    return not fault.waits_for_jobs or _work_goes_on(before, now, fault.lost)


def _work_goes_on(before: Sight, now: Sight, lost: str) -> bool:
    under_way = {job: report for job, report in before.jobs.items() if report.state == "leased"}
    if lost:
        under_way = {job: report for job, report in under_way.items() if report.worker == lost}
    if not under_way:
        return any(_is_beyond(before.jobs.get(job), report, False) for job, report in now.jobs.items())
    there = {job: was for job, was in under_way.items() if job in now.jobs}
    if len(there) < len(under_way) and not _has_moved_on(before, now):
        return False
    return all(_is_beyond(was, now.jobs[job], bool(lost)) for job, was in there.items())


def _has_moved_on(before: Sight, now: Sight) -> bool:
    """Whether what follows is at work: a job whose record was found while nobody was in charge is not asked for again."""
    return before.owners <= now.owners and any(
        report.done > 0 or report.state == "done" for job, report in now.jobs.items() if job not in before.jobs
    )


def _is_beyond(was: JobReport | None, now: JobReport, must_begin_anew: bool) -> bool:
    if now.state == "done":
        return was is None or was.state != "done"
    if now.state != "leased" or (was is not None and must_begin_anew and now.attempt <= was.attempt):
        return False
    return now.done > (was.done if was is not None else 0)
