"""Which version is meant: today's declaration, the one at work, the ones whose sheets are shown. Pure questions."""

from __future__ import annotations

from cluster.ports import Trouble
from operators import gate
from operators.observed import ObservedProject, ObservedVersion

SHOWN_SHEETS = 8
"""How many of the newest trained versions have a contact sheet under today's judge and finish."""


def current(seen: ObservedProject) -> ObservedVersion | None:
    """The version that today's declaration is already: declared in the same words, or asking for the same training."""
    declared = seen.declared
    if declared is None:
        return None
    same = (one for one in reversed(seen.brand.versions) if declared.matches(one.record))
    return next(same, None)


def unfinished(seen: ObservedProject) -> ObservedVersion | None:
    """The version that is neither trained nor failed; there is one at most, and the next waits for it."""
    return next((one for one in seen.brand.versions if not _is_finished(seen, one)), None)


def in_focus(seen: ObservedProject) -> ObservedVersion | None:
    """The version that people look at now: the one at work, else today's declaration, else the newest."""
    newest = seen.brand.versions[-1] if seen.brand.versions else None
    return unfinished(seen) or current(seen) or newest


def shown(seen: ObservedProject) -> tuple[ObservedVersion, ...]:
    """The trained versions whose sheets are drawn: the newest few, today's declaration, and the one that serves."""
    trained = [version for version in seen.brand.versions if version.trained is not None]
    also = [version for version in (current(seen), gate.serving(seen.brand)) if version is not None]
    numbers = {version.number for version in (*trained[-SHOWN_SHEETS:], *also)}
    return tuple(version for version in trained if version.number in numbers)


def failure(seen: ObservedProject) -> Trouble | None:
    """Why today's declaration cannot become a version: its source, its pictures, its base, or its training."""
    if seen.intake.trouble is not None:
        return seen.intake.trouble
    if seen.intake.record is None and seen.intake.job is not None:
        return seen.reports.failure(seen.intake.job) or seen.base.trouble
    version = current(seen)
    if version is None:
        return seen.base.trouble
    return None if version.trained is not None else seen.reports.failure(version.job)


def _is_finished(seen: ObservedProject, version: ObservedVersion) -> bool:
    return version.trained is not None or seen.reports.failure(version.job) is not None
