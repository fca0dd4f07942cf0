"""A project's status: its stage for people, conditions for machines, versions for both. Pure."""

from __future__ import annotations

from cluster.documents import timestamp
from jobs.manifests import PROJECT_CONDITIONS, BrandProjectStatus, DatasetStatus, VersionStatus
from jobs.records import IntakeRecord
from operators import gate, project_stage, versions
from operators.conditions import AS_EXPECTED, Fact, conditions, of_trouble
from operators.observed import ObservedProject, ObservedVersion

LISTED_VERSIONS = 50
"""The newest versions that a status lists, so that it stays well under 32 KiB; the serving one is always among them."""


def status(seen: ObservedProject) -> BrandProjectStatus:
    """All that a person or a machine may know of a project."""
    stage = project_stage.stage(seen)
    serves = gate.serving(seen.brand)
    generation = seen.project.metadata.generation or 0
    previous = seen.status.conditions if seen.status else ()
    return BrandProjectStatus(
        phase=stage.phase,
        progress=stage.progress,
        reason=stage.reason,
        message=stage.message,
        observed_generation=generation,
        conditions=conditions(PROJECT_CONDITIONS, _facts(seen), previous, generation, seen.now),
        serving=serves.name if serves else None,
        newest=seen.brand.versions[-1].name if seen.brand.versions else None,
        dataset=_dataset(seen),
        versions=_listed(seen, serves),
    )


def _facts(seen: ObservedProject) -> dict[str, Fact]:
    return {
        "DatasetReady": _dataset_ready(seen),
        "Trained": _trained(seen),
        "Approved": _approved(seen),
        "Ready": _is_ready(seen),
        "Degraded": _degraded(seen),
    }


def _dataset_ready(seen: ObservedProject) -> Fact:
    record = seen.intake.record
    if record is not None:
        return Fact(True, "TakenIn", f"{record.count} pictures{_set_aside(record)}.")
    failed = None if seen.intake.job is None else seen.reports.failure(seen.intake.job)
    trouble = seen.intake.trouble or failed
    return of_trouble(trouble) if trouble else Fact(False, "Intake", project_stage.intake(seen).message)


def _set_aside(record: IntakeRecord) -> str:
    if not record.set_aside_count:
        return ""
    named = [f"{one.name}: {one.reason}" for one in record.first_aside]
    if named and record.set_aside_count > len(named):
        named.append("...")
    count = f"{record.set_aside_count} {'file' if record.set_aside_count == 1 else 'files'}"
    return f", {count} set aside" + (f" ({'; '.join(named)})" if named else "")


def _trained(seen: ObservedProject) -> Fact:
    version = versions.in_focus(seen)
    if version is None:
        refused = seen.base.trouble
        return of_trouble(refused) if refused else Fact(False, "AwaitingDataset", "Nothing has been trained yet.")
    if version.trained is not None:
        steps, loss = version.record.recipe.steps, version.trained.final_loss
        return Fact(True, "Trained", f"{version.name}: {steps} steps, final loss {loss:.4f}.")
    trouble = seen.reports.failure(version.job)
    return of_trouble(trouble) if trouble else Fact(False, "Training", f"{version.name} is not trained yet.")


def _approved(seen: ObservedProject) -> Fact:
    version = versions.in_focus(seen)
    if gate.needed(seen.brand) == 0:
        return Fact(True, "NoGate", "gate.approvals is 0: the newest trained version serves.")
    if version is None or version.trained is None:
        return Fact(False, "NotTrained", "There is nothing to approve yet.")
    is_approved = gate.may_serve(seen.brand, version)
    count = f"{version.name} has {gate.counted(seen.brand, version.number)}."
    return Fact(is_approved, "Approved" if is_approved else "AwaitingApproval", count)


def _is_ready(seen: ObservedProject) -> Fact:
    serves = gate.serving(seen.brand)
    if serves is not None:
        return Fact(True, "Serving", f"{serves.name} serves.")
    why = gate.why_none_serves(seen.brand)
    return Fact(False, why.reason, why.message)


def _degraded(seen: ObservedProject) -> Fact:
    trouble = versions.failure(seen)
    if trouble is not None:
        return of_trouble(trouble, holds=True)
    version = versions.in_focus(seen)
    for chunk in version.sheet.chunks if version and version.sheet else ():
        if chunk.record is None and (trouble := seen.reports.failure(chunk.job)):
            return of_trouble(trouble, holds=True)
        if chunk.record is not None and chunk.record.failures:
            first = chunk.record.failures[0]
            return Fact(True, "SheetIncomplete", f"Image {first.index} of the contact sheet failed: {first.message}")
    return AS_EXPECTED


def _dataset(seen: ObservedProject) -> DatasetStatus | None:
    record = seen.intake.record
    if record is None:
        return seen.status.dataset if seen.status else None
    return DatasetStatus(id=record.dataset, images=record.count, set_aside=record.set_aside_count)


def _listed(seen: ObservedProject, serves: ObservedVersion | None) -> tuple[VersionStatus, ...]:
    newest = seen.brand.versions[-LISTED_VERSIONS:]
    older = (serves,) if serves is not None and serves.number < newest[0].number else ()
    shown = {version.number for version in versions.shown(seen)}
    return tuple(
        VersionStatus(
            version=version.name,
            state=_state(seen, version),
            asked=version.job.id,
            trained=_trained_at(seen, version),
            approvals=len(gate.approvers(seen.brand, version.number)),
            sheet=version.sheet.digest if version.sheet is not None and version.number in shown else None,
        )
        for version in (*older, *newest)
    )


def _trained_at(seen: ObservedProject, version: ObservedVersion) -> str | None:
    """When a version was first seen to be trained; like a condition's time it lives in the status alone."""
    if version.trained is None:
        return None
    before = {one.version: one.trained for one in seen.status.versions} if seen.status else {}
    return before.get(version.name) or timestamp(seen.now)


def _state(seen: ObservedProject, version: ObservedVersion) -> str:
    if version.trained is None:
        return "failed" if seen.reports.failure(version.job) else "training"
    if gate.may_serve(seen.brand, version):
        return "approved"
    return "rejected" if gate.is_rejected(seen.brand, version.number) else "trained"
