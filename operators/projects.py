"""What follows from what was seen of a BrandProject. Pure: the same sight gives the same decision.

source -> dataset -> version n (numbered when its training is handed over) -> adapter -> contact sheet -> approvals -> serving.
"""

from __future__ import annotations

from jobs import plan
from jobs.records import VersionRecord
from jobs.spec import Job
from operators import project_status, versions
from operators.decision import Action, Decision, KeepPlan, WriteVersion
from operators.observed import ObservedProject, ObservedSheet


def reconcile(seen: ObservedProject) -> Decision:
    """The version to number, the jobs that are wanted now, and the project's status."""
    sheets = _sheets_to_draw(seen)
    new = _new_version(seen)
    numbered: tuple[Action, ...] = () if new is None else (WriteVersion(new),)
    kept = tuple(KeepPlan(sheet.plan) for sheet in sheets)
    return Decision((*kept, *numbered), _wanted(seen, sheets), project_status.status(seen))


def _new_version(seen: ObservedProject) -> VersionRecord | None:
    """The version to number now, if today's declaration is none yet and nothing else trains.

    So declarations that came and went while a version trained are never numbered.
    """
    if seen.intake.record is None or seen.base.digest is None:
        return None
    if versions.current(seen) is not None or versions.unfinished(seen) is not None:
        return None
    number = 1 + max((version.number for version in seen.brand.versions), default=0)
    dataset, base = seen.intake.record.dataset, seen.base
    return plan.new_version(seen.project, number, dataset, seen.base.digest, seen.now, base.licence)


def _sheets_to_draw(seen: ObservedProject) -> tuple[ObservedSheet, ...]:
    sheets = (version.sheet for version in versions.shown(seen))
    return tuple(sheet for sheet in sheets if sheet is not None and not sheet.stands)


def _wanted(seen: ObservedProject, sheets: tuple[ObservedSheet, ...]) -> tuple[Job, ...]:
    """All that has no record. What failed for good stays among them, so that a person's retry finds it."""
    wanted = [version.job for version in seen.brand.versions if version.trained is None]
    if seen.intake.job is not None and seen.intake.record is None:
        wanted.append(seen.intake.job)
    wanted += [chunk.job for sheet in sheets for chunk in sheet.chunks if chunk.record is None]
    return tuple({job.id: job for job in wanted}.values())
