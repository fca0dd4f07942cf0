"""Where a project stands, in one phase and one sentence for people. Pure; machines read the conditions instead."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.ports import JobReport, Trouble
from jobs.lifecycle import JobState
from operators import gate, versions
from operators.conditions import sentence
from operators.observed import ObservedProject, ObservedSheet, ObservedVersion


@dataclass(frozen=True)
class Stage:
    """Where a project stands: a word for people, why in one word, why in one sentence, and how far."""

    phase: str
    reason: str
    message: str
    progress: str | None = None


def stage(seen: ObservedProject) -> Stage:
    """Where the project stands now."""
    at_work = versions.unfinished(seen)
    if at_work is not None:
        return _training(seen, at_work)
    trouble = versions.failure(seen)
    if trouble is not None:
        return _failed(seen, trouble)
    if seen.intake.record is None:
        return intake(seen)
    version = versions.current(seen)
    if version is None:
        return Stage("Training", "Declared", "A new version gets its number and goes to training.")
    if version.sheet is not None and _is_being_drawn(seen, version.sheet):
        return _sampling(seen, version, version.sheet)
    return _judged(seen, version)


def _training(seen: ObservedProject, version: ObservedVersion) -> Stage:
    report = seen.reports.of(version.job)
    progress = f"{report.done}/{report.total or version.record.recipe.steps}"
    waits = "" if version is versions.current(seen) or seen.intake.record is None else " A newer edit waits for it."
    if report.state != JobState.LEASED:
        return Stage("Training", "Queued", f"{version.name} waits to be trained{_why(report)}.{waits}", progress)
    loss = f", loss {report.facts['loss']:.4f}" if "loss" in report.facts else ""
    return Stage("Training", "Training", f"{version.name} trains: step {_of(progress)}{loss}.{waits}", progress)


def intake(seen: ObservedProject) -> Stage:
    """How far the pictures are taken in."""
    report = JobReport(state=JobState.WAITING) if seen.intake.job is None else seen.reports.of(seen.intake.job)
    progress = f"{report.done}/{report.total}" if report.total else None
    if report.state != JobState.LEASED:
        return Stage("Intake", "Queued", f"The pictures wait to be taken in{_why(report)}.", progress)
    return Stage("Intake", "Intake", f"Pictures are taken in: {_of(progress or '0/?')}.", progress)


def _sampling(seen: ObservedProject, version: ObservedVersion, sheet: ObservedSheet) -> Stage:
    drawn = sum(
        chunk.record.drawn + chunk.record.reused if chunk.record else seen.reports.of(chunk.job).done
        for chunk in sheet.chunks
    )
    progress = f"{drawn}/{sheet.plan.count}"
    message = f"{version.name} is trained; its contact sheet has {_of(progress)} images."
    return Stage("Sampling", "Sampling", message, progress)


def _judged(seen: ObservedProject, version: ObservedVersion) -> Stage:
    serves = gate.serving(seen.brand)
    if serves is not None and _needs_no_word(seen, version):
        return _ready(seen, serves)
    if serves is None and seen.brand.pinned is not None:
        why = gate.why_none_serves(seen.brand)
        return Stage("AwaitingApproval", why.reason, why.message)
    name = seen.project.metadata.name
    advice = f"Look at `brandfarm sheet {name}`, then `brandfarm approve {name}` or `brandfarm critique {name}`."
    progress = f"{len(gate.approvers(seen.brand, version.number))}/{gate.needed(seen.brand)}"
    message = f"{version.name} has {gate.counted(seen.brand, version.number)}. {advice}"
    return Stage("AwaitingApproval", "AwaitingApproval", message, progress)


def _needs_no_word(seen: ObservedProject, version: ObservedVersion) -> bool:
    """Whether nobody is waited for: the version passed the gate, was turned down, or another one is pinned."""
    brand = seen.brand
    return gate.may_serve(brand, version) or brand.pinned is not None or gate.is_rejected(brand, version.number)


def _ready(seen: ObservedProject, serves: ObservedVersion) -> Stage:
    newest = seen.brand.versions[-1]
    if newest.number == serves.number:
        return Stage("Ready", "Serving", f"{serves.name} serves.")
    return Stage("Ready", "Serving", f"{serves.name} serves; the newest is {newest.name}.")


def _failed(seen: ObservedProject, trouble: Trouble) -> Stage:
    serves = gate.serving(seen.brand)
    if serves is None:
        return Stage("Failed", trouble.reason, sentence(trouble))
    return Stage("Ready", trouble.reason, f"{serves.name} serves on, but the newest edit failed: {sentence(trouble)}")


def _is_being_drawn(seen: ObservedProject, sheet: ObservedSheet) -> bool:
    """Whether some of a sheet has neither a record nor a failure."""
    return any(chunk.record is None and seen.reports.failure(chunk.job) is None for chunk in sheet.chunks)


def _why(report: JobReport) -> str:
    return f": {report.waiting_for.rstrip('.')}" if report.waiting_for else ""


def _of(progress: str) -> str:
    return progress.replace("/", " of ")
