"""A campaign's status: how many shots stand where, at which pace, and what is in the way. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cluster.attempts import CANCELLED
from cluster.documents import timestamp
from cluster.ports import JobReport, Trouble
from jobs.lifecycle import JobState
from jobs.manifests import CAMPAIGN_CONDITIONS, CampaignStatus, ShotCounts
from jobs.manifests.nights import REPLACED_BY
from jobs.spec import GenerateAsk, Job
from operators.conditions import AS_EXPECTED, Fact, conditions, sentence
from operators.observed import ENDED, ObservedCampaign, ObservedChunk

RECENT_CHUNKS = 8
"""How many of the newest chunks tell the pace."""

ACCEPTED = Fact(True, "Accepted", "It can be made.")


@dataclass(frozen=True)
class Obstacle:
    """Why a campaign has not started; a refusal is one that waiting does not cure."""

    reason: str
    message: str
    is_refusal: bool = False


def held_up(seen: ObservedCampaign, obstacle: Obstacle) -> CampaignStatus:
    """The status of a campaign that waits for its brands, or cannot be made at all."""
    blocked = Fact(False, obstacle.reason, obstacle.message)
    accepted = blocked if obstacle.is_refusal else ACCEPTED
    facts = {"Accepted": accepted, "Progressing": blocked, "Complete": blocked, "Degraded": AS_EXPECTED}
    phase = "Refused" if obstacle.is_refusal else "Waiting"
    return _status(seen, phase, obstacle.reason, obstacle.message, facts, _none_made(seen))


def about_to_start(seen: ObservedCampaign) -> CampaignStatus:
    """The status of a campaign whose record is being written."""
    message = f"All brands serve; {seen.campaign.spec.product} are handed over."
    starts = Fact(True, "Starting", message)
    waits = Fact(False, "Starting", message)
    facts = {"Accepted": ACCEPTED, "Progressing": starts, "Complete": waits, "Degraded": AS_EXPECTED}
    return _status(seen, "Generating", "Starting", message, facts, _none_made(seen))


def status(seen: ObservedCampaign) -> CampaignStatus:
    """The status of a campaign that has started."""
    counts = count(seen)
    is_over = all(_is_over(seen, chunk) for chunk in seen.chunks)
    cancelled = _cancellation(seen)
    if is_over and cancelled is not None:
        return _cancelled(seen, counts, cancelled)
    if is_stopped(seen):
        return _stopped(seen, counts)
    if is_over:
        return _complete(seen, counts)
    open_jobs = (chunk.job for chunk in seen.chunks if not _is_over(seen, chunk))
    if seen.is_late and not any(goes_on(seen, job) for job in open_jobs):
        return _window_ended(seen, counts)
    return _at_work(seen, counts)


def ended_before(seen: ObservedCampaign) -> CampaignStatus | None:
    """The status of a campaign that had ended when its time was over: that it ended stands, whoever forgets why."""
    said = seen.status
    generation = seen.campaign.metadata.generation or 0
    if said is None or said.phase not in ENDED or said.observed_generation != generation or not seen.is_late:
        return None
    if any(_is_asked_again(chunk.job) for chunk in seen.chunks if chunk.record is None):
        return None
    over = said.condition("Progressing")
    return said if over is None else said.model_copy(update={"reason": over.reason, "message": over.message})


def never_began(seen: ObservedCampaign) -> CampaignStatus:
    """The status of a campaign whose time was over before it could start."""
    return _window_ended(seen, _none_made(seen))


def goes_on(seen: ObservedCampaign, job: Job) -> bool:
    """Whether a job stays wanted after the campaign's time: a worker has it, it failed for good, or a person asked again."""
    return seen.reports.of(job).state in (JobState.LEASED, JobState.FAILED) or _is_asked_again(job)


def _is_asked_again(job: Job) -> bool:
    return isinstance(job.ask, GenerateAsk) and job.ask.rerun > 0


def count(seen: ObservedCampaign) -> ShotCounts:
    """How many shots stand where: from records, and from the dispatcher for what is being drawn now."""
    assert seen.record is not None
    made, reused, failed = 0, 0, 0
    for chunk in seen.chunks:
        one = _counts(seen, chunk)
        made, reused, failed = made + one.made, reused + one.reused, failed + one.failed
    planned = seen.record.count
    return ShotCounts(
        planned=planned, made=max(made, _stood(seen, planned - failed) - reused), reused=reused, failed=failed
    )


def _stood(seen: ObservedCampaign, most: int) -> int:
    """Shots that were there already when it was last told: whoever drew them may be gone, and who goes on has not found them yet."""
    shots = ShotCounts() if seen.status is None else seen.status.shots
    return min(shots.made + shots.reused, most)


def is_stopped(seen: ObservedCampaign) -> bool:
    """Whether more than the allowed share of the shots that are over have failed, once enough are over."""
    limit = seen.campaign.spec.limits.stop_if
    over = [_counts(seen, chunk) for chunk in seen.chunks if _is_over(seen, chunk)]
    failed = sum(one.failed for one in over)
    total = failed + sum(one.made + one.reused for one in over)
    return total >= limit.after and failed > limit.failed_rate * total


def _counts(seen: ObservedCampaign, chunk: ObservedChunk) -> ShotCounts:
    """What a chunk's shots have come to; a rerun finds those that stood before it, and they count as what they were."""
    now = _counts_of_newest(seen, chunk)
    if not chunk.earlier:
        return now
    made = sum(record.drawn for record in chunk.earlier)
    reused = chunk.earlier[0].reused
    return ShotCounts(made=made + now.made, reused=reused + max(0, now.reused - made - reused), failed=now.failed)


def _counts_of_newest(seen: ObservedCampaign, chunk: ObservedChunk) -> ShotCounts:
    record = chunk.record
    if record is not None:
        return ShotCounts(made=record.drawn, reused=record.reused, failed=len(record.failures))
    report = seen.reports.of(chunk.job)
    reused, failed = int(report.facts.get("reused", 0)), int(report.facts.get("failed", 0))
    drawn = max(0, report.done - reused - failed)
    trouble = seen.reports.failure(chunk.job)
    if trouble is not None and trouble.reason != CANCELLED:
        assert isinstance(chunk.job.ask, GenerateAsk)
        standing = sum(record.drawn for record in chunk.earlier) + sum(record.reused for record in chunk.earlier[:1])
        failed = max(0, chunk.job.ask.stop - chunk.job.ask.start - max(drawn + reused, standing))
    return ShotCounts(made=drawn, reused=reused, failed=failed)


def _is_over(seen: ObservedCampaign, chunk: ObservedChunk) -> bool:
    return chunk.record is not None or seen.reports.failure(chunk.job) is not None


def _at_work(seen: ObservedCampaign, counts: ShotCounts) -> CampaignStatus:
    reports = [seen.reports.of(chunk.job) for chunk in seen.chunks if chunk.record is None]
    message = f"{_told(counts)}.{_why(reports)}"
    is_drawn = any(report.state == JobState.LEASED for report in reports)
    reason = "Generating" if is_drawn else "Queued"
    facts = {
        "Accepted": ACCEPTED,
        "Progressing": Fact(True, reason, message),
        "Complete": Fact(False, reason, message),
        "Degraded": _degraded(seen, counts),
    }
    return _status(seen, "Generating", reason, message, facts, counts, pace=_pace(seen))


def _complete(seen: ObservedCampaign, counts: ShotCounts) -> CampaignStatus:
    done = counts.made + counts.reused
    reason = "Complete" if not counts.failed else "ShotsFailed"
    message = f"{_told(counts)}."
    facts = {
        "Accepted": ACCEPTED,
        "Progressing": Fact(False, reason, message),
        "Complete": Fact(True, reason, message),
        "Degraded": _degraded(seen, counts),
    }
    return _status(seen, "Complete" if done else "Failed", reason, message, facts, counts)


def _cancellation(seen: ObservedCampaign) -> Trouble | None:
    """A person's word that some of its chunks shall not be drawn."""
    told = (seen.reports.failure(chunk.job) for chunk in seen.chunks if chunk.record is None)
    return next((trouble for trouble in told if trouble is not None and trouble.reason == CANCELLED), None)


def _cancelled(seen: ObservedCampaign, counts: ShotCounts, trouble: Trouble) -> CampaignStatus:
    name = seen.campaign.metadata.name
    message = f"{trouble.message} {_told(counts)} stand. `brandfarm retry campaign/{name}` draws the rest."
    over = Fact(False, CANCELLED, message)
    facts = {"Accepted": ACCEPTED, "Progressing": over, "Complete": over, "Degraded": _degraded(seen, counts)}
    return _status(seen, "Cancelled", CANCELLED, message, facts, counts)


def _window_ended(seen: ObservedCampaign, counts: ShotCounts) -> CampaignStatus:
    """Its time is over before its lists are; what is drawn stays."""
    next_night = seen.campaign.metadata.annotations.get(REPLACED_BY)
    reason = "Replaced" if next_night else "WindowEnded"
    why = f"{next_night} took its place" if next_night else f"Its time ended at {seen.campaign.spec.until}"
    message = f"{why}: {_told(counts)} stand. A later spec.until draws the rest."
    over = Fact(False, reason, message)
    facts = {"Accepted": ACCEPTED, "Progressing": over, "Complete": over, "Degraded": _degraded(seen, counts)}
    return _status(seen, "Ended", reason, message, facts, counts)


def _stopped(seen: ObservedCampaign, counts: ShotCounts) -> CampaignStatus:
    limit = seen.campaign.spec.limits.stop_if
    message = (
        f"Stopped: {_told(counts)}, more than the share of {limit.failed_rate:g} that limits.stopIf allows. "
        f"{_first_failure(seen)}".strip()
    )
    stopped = Fact(False, "StoppedOnFailures", message)
    degraded = Fact(True, "StoppedOnFailures", message)
    facts = {"Accepted": ACCEPTED, "Progressing": stopped, "Complete": stopped, "Degraded": degraded}
    return _status(seen, "Failed", "StoppedOnFailures", message, facts, counts)


def _degraded(seen: ObservedCampaign, counts: ShotCounts) -> Fact:
    if not counts.failed:
        return AS_EXPECTED
    return Fact(True, "ShotsFailed", f"{counts.failed} of {counts.planned} shots failed. {_first_failure(seen)}")


def _first_failure(seen: ObservedCampaign) -> str:
    for chunk in seen.chunks:
        if chunk.record is not None and chunk.record.failures:
            first = chunk.record.failures[0]
            return f"The first, shot {first.index}: {first.message}"
        trouble = seen.reports.failure(chunk.job) if chunk.record is None else None
        if trouble is not None and trouble.reason != CANCELLED:
            return f"The first: {sentence(trouble)}"
    return ""


def _pace(seen: ObservedCampaign) -> float | None:
    """Images a second: what the newest chunks took, times the chunks that are drawn side by side now."""
    drawn = [chunk.record for chunk in seen.chunks if chunk.record is not None and chunk.record.drawn]
    recent = drawn[-RECENT_CHUNKS:]
    seconds = sum(record.elapsed or record.seconds for record in recent)
    open_chunks = (chunk for chunk in seen.chunks if chunk.record is None)
    lanes = sum(seen.reports.of(chunk.job).state == JobState.LEASED for chunk in open_chunks)
    if not seconds or not lanes:
        return None
    return round(lanes * sum(record.drawn for record in recent) / seconds, 2)


def _forecast(now: float, remaining: int, pace: float | None) -> str | None:
    """When it should be complete, to the next full minute, so that a steady pace gives a steady forecast."""
    if not pace:
        return None
    return timestamp(math.ceil((now + remaining / pace) / 60) * 60)


def _told(counts: ShotCounts) -> str:
    done = counts.made + counts.reused
    reused = f", {counts.reused} of them made before" if counts.reused else ""
    failed = f"; {counts.failed} failed" if counts.failed else ""
    return f"{done} of {counts.planned} images{reused}{failed}"


def _why(reports: list[JobReport]) -> str:
    """Why nothing is drawn, where nothing is."""
    if any(report.state == JobState.LEASED for report in reports):
        return ""
    reasons = (report.waiting_for for report in reports if report.waiting_for)
    first = next(reasons, None)
    return f" They wait: {first.rstrip('.')}." if first else ""


def _none_made(seen: ObservedCampaign) -> ShotCounts:
    return ShotCounts(planned=seen.campaign.spec.shot_count)


def _status(
    seen: ObservedCampaign,
    phase: str,
    reason: str,
    message: str,
    facts: dict[str, Fact],
    counts: ShotCounts,
    pace: float | None = None,
) -> CampaignStatus:
    generation = seen.campaign.metadata.generation or 0
    previous = seen.status.conditions if seen.status else ()
    done = counts.made + counts.reused
    return CampaignStatus(
        phase=phase,
        progress=f"{done}/{counts.planned}",
        reason=reason,
        message=message,
        observed_generation=generation,
        conditions=conditions(CAMPAIGN_CONDITIONS, facts, previous, generation, seen.now),
        shots=counts,
        images_per_second=pace,
        forecast=_forecast(seen.now, counts.planned - done - counts.failed, pace),
    )
