"""Conditions: typed facts of a status, all of a kind's always present, each with the time at which it last changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cluster.documents import timestamp
from cluster.ports import Trouble
from jobs.manifests import Condition, ConditionStatus


@dataclass(frozen=True)
class Fact:
    """Whether something holds (None: not known), why in one word, and why in one sentence with the numbers."""

    holds: bool | None
    reason: str
    message: str = ""


AS_EXPECTED = Fact(False, "AsExpected", "Nothing is wrong.")
NOT_KNOWN = Fact(None, "NotKnown", "It was not looked at yet.")

_SPELLED = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}


def of_trouble(trouble: Trouble, holds: bool = False) -> Fact:
    """The fact that a failure makes."""
    return Fact(holds, trouble.reason, sentence(trouble))


def sentence(trouble: Trouble) -> str:
    """What happened, and what to do next."""
    return f"{trouble.message} {trouble.hint}".strip()


def conditions(
    types: Sequence[str], facts: dict[str, Fact], previous: Iterable[Condition], generation: int, now: float
) -> tuple[Condition, ...]:
    """All conditions of a kind, in order. `now` in seconds since 1970; only a changed status gets a new time."""
    before = {condition.type: condition for condition in previous}
    return tuple(_condition(type_, facts.get(type_, NOT_KNOWN), before.get(type_), generation, now) for type_ in types)


def _condition(type_: str, fact: Fact, before: Condition | None, generation: int, now: float) -> Condition:
    status = _SPELLED[fact.holds]
    changed = before is None or before.status != status
    return Condition(
        type=type_,
        status=status,
        reason=fact.reason,
        message=fact.message,
        last_transition_time=timestamp(now) if before is None or changed else before.last_transition_time,
        observed_generation=generation,
    )
