"""Why a brand or a campaign stands where it does, as sentences: down the chain of waiting to the job that is in the way.

Asks the dispatcher where it answers, and says what records and the last status tell where it does not. Knows no terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli import farm as farms
from cli import history, records, scheduling, work
from cli.farm import Farm
from cli.history import Version
from cli.moments import seconds_of
from cli.views import marks
from cluster.ports import JobReport
from jobs.errors import DispatcherUnavailable, FarmDown, NotFound
from jobs.lifecycle import JobState
from jobs.manifests import BrandProject, Campaign
from jobs.spec import JobKind

SHOWN_REASONS = 3


@dataclass(frozen=True)
class Sentence:
    """One sentence; a deeper one explains the one above it."""

    text: str
    depth: int = 0


@dataclass
class Why:
    """Why a manifest stands where it does, and what a person can do next."""

    name: str
    phase: str
    sentences: list[Sentence] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def say(self, text: str, depth: int = 0) -> None:
        """Adds a sentence."""
        self.sentences.append(Sentence(text.strip(), depth))

    def advise(self, step: str) -> None:
        """Adds a next step, once."""
        if step and step not in self.steps:
            self.steps.append(step)


def of_brand(farm: Farm, project: BrandProject, version: str | None = None) -> Why:
    """Why a brand, or one of its versions, stands where it does. Raises NotFound, StoreUnavailable."""
    status = farms.status_of(project)
    told = Why(project.metadata.name or "", status.phase or "Pending")
    if version is None:
        _brand(farm, project, told, depth=0)
    else:
        _version(farm, project, history.version(farm, project, version), told)
    return told


def of_campaign(farm: Farm, campaign: Campaign) -> Why:
    """Why a campaign stands where it does. Raises StoreUnavailable."""
    status, name = farms.status_of_campaign(campaign), campaign.metadata.name or ""
    told = Why(f"campaign/{name}", status.phase or "Pending")
    since = status.condition("Progressing") or status.condition("Complete")
    told.say(_stands(name, told.phase, status.reason, status.message, since.last_transition_time if since else None))
    if campaign.spec.schedule is not None:
        _nights(campaign, told)
    elif records.started(farm.store, campaign) is None:
        _not_started(farm, campaign, told)
    else:
        _chunks(farm, campaign, told)
    return told


def _brand(farm: Farm, project: BrandProject, told: Why, depth: int) -> None:
    status, name = farms.status_of(project), project.metadata.name or ""
    since = status.condition("Ready")
    told.say(
        _stands(
            name,
            status.phase or "Pending",
            status.reason,
            status.message,
            since.last_transition_time if since else None,
        ),
        depth,
    )
    jobs = _standing(farm, project.metadata.uid or "", told, depth + 1)
    unfinished = {job: one for job, one in (jobs or {}).items() if one.state != JobState.DONE}
    for sentence in _jobs(farm, unfinished):
        told.say(sentence, depth + 1)
    if jobs is None or any(one.kind == JobKind.TRAIN for one in unfinished.values()):
        _attempts_at_newest(farm, project, told, depth + 1)
    _advise_brand(project, unfinished, told)


def _version(farm: Farm, project: BrandProject, one: Version, told: Why) -> None:
    name = f"{project.metadata.name} {one.name}"
    if one.trained is not None:
        needed = project.spec.gate.approvals
        approvals = one.status.approvals if one.status else 0
        told.say(
            f"{name} is {one.state}{' and serves' if one.serves else ''}: {approvals} of {marks.plural(needed, 'approval')}."
        )
        for word in one.words:
            note = f": {word.spec.note}" if word.spec.note else ""
            told.say(f"It was said: {history.verdicts([word])}{note}.", 1)
        if one.state == "trained":
            told.advise(f"Look at `brandfarm sheet {project.metadata.name}`, then `brandfarm approve {name}`.")
        return
    told.say(f"{name} is {one.state}.")
    jobs = _standing(farm, project.metadata.uid or "", told, 1) or {}
    own = {job: report for job, report in jobs.items() if job == one.record.asked}
    for sentence in _jobs(farm, own):
        told.say(sentence, 1)
    _attempts(farm, one, told, 1)
    if one.state == "failed" or any(report.state == JobState.FAILED for report in own.values()):
        told.advise(f"`brandfarm retry {name}` tries it again; a changed manifest makes a new version.")


def _stands(name: str, phase: str, reason: str | None, message: str | None, since: str | None) -> str:
    said = f" ({reason})" if reason and reason != phase else ""
    when = f" Its readiness last changed on {marks.when(seconds_of(since))}." if since else ""
    return f"{name} is {phase}{said}: {message or 'the farm has not looked at it yet.'}{when}"


def _standing(farm: Farm, uid: str, told: Why, depth: int) -> dict[str, JobReport] | None:
    try:
        return farm.standing(uid)
    except (FarmDown, DispatcherUnavailable) as away:
        told.say(f"{away.message} So this is what records and the last status tell.", depth)
        told.advise(away.hint)
        return None


def _jobs(farm: Farm, jobs: Mapping[str, JobReport]) -> Iterator[str]:
    """Single jobs each in a sentence, chunks in sums."""
    for job, report in jobs.items():
        if report.kind == JobKind.INTAKE:
            yield f"The intake of its pictures: {_why(farm, job)}"
        elif report.kind == JobKind.TRAIN:
            yield f"The training of {report.version or 'a version'}: {_why(farm, job)}"
    drawn = {job: report for job, report in jobs.items() if report.kind not in (JobKind.INTAKE, JobKind.TRAIN)}
    if drawn:
        yield from sums(farm, drawn, len(drawn), "of its contact sheets")


def sums(farm: Farm, jobs: Mapping[str, JobReport], total: int, of_what: str = "") -> Iterator[str]:
    """Many chunks in a few sentences: how many wait, for what; how many are under way, and where; how many failed, and why."""
    whole = f"{total} chunks {of_what}".strip() if total != 1 else f"1 chunk {of_what}".strip()
    leased = {job: one for job, one in jobs.items() if one.state == JobState.LEASED}
    if leased:
        where = ", ".join(sorted({one.worker for one in leased.values() if one.worker}))
        yield f"{len(leased)} of {whole} {_is(len(leased))} being drawn{f' on {where}' if where else ''}."
    waiting = {job: one for job, one in jobs.items() if one.state == JobState.WAITING}
    for reason, count in Counter(one.waiting_for for one in waiting.values()).most_common(SHOWN_REASONS):
        first = next(job for job, one in waiting.items() if one.waiting_for == reason)
        yield f"{count} of {whole} {'waits' if count == 1 else 'wait'}; of the first: {_why(farm, first)}"
    failed = [one.trouble for one in jobs.values() if one.state == JobState.FAILED and one.trouble]
    for trouble, count in Counter(failed).most_common(SHOWN_REASONS):
        yield f"{count} of {whole} failed for good, {trouble.reason}: {trouble.message} {trouble.hint}"


def _why(farm: Farm, job: str) -> str:
    try:
        return farm.why(job)
    except NotFound:
        return "it has just ended."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _attempts_at_newest(farm: Farm, project: BrandProject, told: Why, depth: int) -> None:
    untrained = [one for one in history.versions(farm, project) if one.trained is None]
    if untrained:
        _attempts(farm, untrained[-1], told, depth)


def _attempts(farm: Farm, one: Version, told: Why, depth: int) -> None:
    for failure in history.attempts(farm.store, one):
        when = f" on {marks.when(failure.at)}" if failure.at else ""
        told.say(f"Attempt {failure.attempt} at {one.name} ended{when}, {failure.reason}: {failure.message}", depth)


def _advise_brand(project: BrandProject, jobs: Mapping[str, JobReport], told: Why) -> None:
    status, name = farms.status_of(project), project.metadata.name
    if any(one.state == JobState.FAILED for one in jobs.values()):
        told.advise(f"`brandfarm retry {name}` tries what failed again; a changed manifest makes a new version.")
    if status.reason == "AwaitingApproval":
        told.advise(
            f"Look at `brandfarm sheet {name}`, then `brandfarm approve {name}` or `brandfarm critique {name}`."
        )


def _not_started(farm: Farm, campaign: Campaign, told: Why) -> None:
    """Down to the brands that it waits for."""
    namespace = campaign.metadata.namespace
    for name in dict.fromkeys(choice.brand for look in campaign.spec.looks for choice in look.choices):
        try:
            project = farms.project(farm, namespace, name)
        except NotFound as missing:
            told.say(f"It waits for a brand that is not there. {missing.message}", 1)
            told.advise(missing.hint)
            continue
        if farms.status_of(project).serving is None:
            told.say(f"It waits for {name}, which serves no version yet.", 1)
            _brand(farm, project, told, 2)


def _nights(campaign: Campaign, told: Why) -> None:
    status, schedule = farms.status_of_campaign(campaign), campaign.spec.schedule
    assert schedule is not None, "only a schedule has nights"
    told.say(f"It is made anew {scheduling.sentence(schedule)}.", 1)
    if status.last_night is not None and status.last_night.message:
        told.say(f"{status.last_night.name}: {status.last_night.message}", 1)
    for name in status.active:
        told.advise(f"`brandfarm why campaign/{name}` tells of the night at work.")


def _chunks(farm: Farm, campaign: Campaign, told: Why) -> None:
    status, name = farms.status_of_campaign(campaign), campaign.metadata.name or ""
    jobs = _standing(farm, campaign.metadata.uid or "", told, 1)
    still = {job: one for job, one in (jobs or {}).items() if one.state != JobState.DONE}
    record = records.started(farm.store, campaign)
    total = len(records.chunks(farm.store, campaign, record)) if record else len(still)
    for sentence in sums(farm, still, total):
        told.say(sentence, 1)
    if status.forecast:
        told.say(f"At its pace it should be complete on {marks.when(seconds_of(status.forecast))}.", 1)
    lost = Counter(
        (failure.reason, failure.message) for chunk in work.failed_shots(farm, campaign) for failure in chunk.failures
    )
    for (reason, message), count in lost.most_common(SHOWN_REASONS):
        told.say(f"{marks.plural(count, 'shot')} could not be drawn, {reason}: {message}", 1)
    if lost or any(one.state == JobState.FAILED for one in still.values()):
        told.advise(
            f"`brandfarm campaign rerun {name} --failed` tries what failed again; what stands is not drawn twice."
        )
    if status.phase in ("Cancelled", "Ended"):
        told.advise(f"`brandfarm campaign pull {name} --to FOLDER --partial` fetches what stands.")
