"""Which version of a brand may serve, and which does: people's words counted against the gate. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.manifests import Verdict, version_name
from operators.observed import Brand, ObservedVersion


@dataclass(frozen=True)
class Waiting:
    """Why no version can be had yet: one word, and one sentence with the next step."""

    reason: str
    message: str


def approvers(brand: Brand, number: int) -> tuple[str, ...]:
    """Who approves version n, sorted: each person counts once, by what they said last."""
    last = {word.by: word.verdict for word in brand.words if word.version == number}
    return tuple(sorted(by for by, verdict in last.items() if verdict is Verdict.APPROVE))


def is_rejected(brand: Brand, number: int) -> bool:
    """Whether somebody's last word on version n is that it shall not serve."""
    last = {word.by: word.verdict for word in brand.words if word.version == number}
    return any(verdict is not Verdict.APPROVE for verdict in last.values())


def needed(brand: Brand) -> int:
    """How many people must approve."""
    return brand.project.spec.gate.approvals


def may_serve(brand: Brand, version: ObservedVersion) -> bool:
    """Whether a version is trained and has the approvals that the gate asks for."""
    return version.trained is not None and len(approvers(brand, version.number)) >= needed(brand)


def serving(brand: Brand) -> ObservedVersion | None:
    """The version that campaigns get: the pinned one if it may serve, else the newest that may."""
    allowed = (version for version in reversed(brand.versions) if may_serve(brand, version))
    return next((version for version in allowed if brand.pinned in (None, version.number)), None)


def had(brand: Brand, wanted: str) -> ObservedVersion | Waiting:
    """The version that a look names (`serving` or `vN`), or why it must wait."""
    if wanted == "serving":
        return serving(brand) or why_none_serves(brand)
    number = int(wanted.removeprefix("v"))
    version = brand.version(number)
    return version if version is not None and may_serve(brand, version) else _why_not(brand, number)


def why_none_serves(brand: Brand) -> Waiting:
    """Why a brand has no serving version; asked only where it has none."""
    if brand.pinned is not None:
        return _why_not(brand, brand.pinned)
    trained = [version for version in brand.versions if version.trained is not None]
    if trained:
        return _why_not(brand, trained[-1].number)
    return Waiting("Training", f"{_title(brand)} has no trained version yet.")


def counted(brand: Brand, number: int) -> str:
    """The approvals of a version as people say them: `1 of 2 approvals`."""
    count = needed(brand)
    return f"{len(approvers(brand, number))} of {count} approval{'' if count == 1 else 's'}"


def _why_not(brand: Brand, number: int) -> Waiting:
    version, name = brand.version(number), version_name(number)
    if version is None:
        newest = brand.versions[-1].name if brand.versions else "none yet"
        return Waiting("NoSuchVersion", f"{_title(brand)} has no version {name}; its newest is {newest}.")
    if version.trained is None:
        return Waiting("Training", f"{_title(brand)} {name} is not trained yet.")
    advice = f"look at its sheet, then `brandfarm approve {brand.project.metadata.name}`"
    return Waiting("AwaitingApproval", f"{_title(brand)} {name} has {counted(brand, number)}: {advice}.")


def _title(brand: Brand) -> str:
    return brand.project.metadata.name or ""
