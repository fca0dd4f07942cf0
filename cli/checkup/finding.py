"""What a look at one thing came to. Knows nothing of what is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a thing stands; `not proven` says that it could not be looked at."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Finding:
    """A thing, its verdict, what was found, and the next step where it is not passed."""

    name: str
    verdict: Verdict
    found: str
    next_step: str = ""


def passed(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Verdict.PASSED, found)


def warned(name: str, found: str, next_step: str) -> Finding:
    """It works, and a person should look at it."""
    return Finding(name, Verdict.WARNED, found, next_step)


def failed(name: str, found: str, next_step: str) -> Finding:
    """The farm cannot work, or is not safe, until this is mended."""
    return Finding(name, Verdict.FAILED, found, next_step)


def not_proven(name: str, found: str, next_step: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(name, Verdict.NOT_PROVEN, found, next_step)
