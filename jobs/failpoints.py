"""Named places in our own code where a test can make a process die, freeze, wait or meet a fault; nothing unless armed.

A plan such as `publish.before-create=kill@2;train.after-step=freeze%0.01` comes from BRANDFARM_FAILPOINTS, read by main.
Knows neither what is tested nor who reads the ledger.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import ManifestInvalid, StoreUnavailable

PLAN, SEED, LEDGER = "BRANDFARM_FAILPOINTS", "BRANDFARM_FAILPOINTS_SEED", "BRANDFARM_FAILPOINTS_LEDGER"
"""The environment variables that main functions read, and that children inherit."""

NAMES = frozenset(
    {
        # records and blobs
        "blobs.before-put",
        "publish.before-create",
        "publish.after-create",
        # intake and preparation
        "intake.picture",
        "prepare.piece",
        # training
        "train.before-step",
        "train.after-step",
        "train.before-sample",
        "train.after-sample",
        "train.before-checkpoint",
        "checkpoint.before-pointer",
        "train.after-checkpoint",
        "train.before-export",
        "train.before-record",
        "train.after-record",
        # a chunk
        "chunk.before-admission",
        "chunk.before-batch",
        "chunk.after-batch",
        "outbox.before-image",
        "outbox.after-image",
        "chunk.before-record",
        "chunk.after-record",
        # a worker
        "worker.begin",
        "worker.before-turn",
        "worker.after-turn",
        # the dispatcher's loop
        "dispatcher.before-charge",
        "dispatcher.after-charge",
        "dispatcher.want",
        "dispatcher.met",
        "dispatcher.told",
        "dispatcher.looked",
        "dispatcher.before-begin",
        "dispatcher.after-begin",
        "dispatcher.stop",
        "dispatcher.tick",
        "dispatcher.before-failure",
        "dispatcher.after-failure",
        # the controller's effects
        "controller.before-plan",
        "controller.before-version",
        "controller.after-version",
        "controller.before-campaign",
        "controller.after-campaign",
        "controller.before-night",
        "controller.after-night",
        "controller.before-hand-over",
        "controller.after-hand-over",
        "controller.before-status",
        "controller.after-status",
        "controller.before-retire",
        "controller.after-retire",
    }
)
"""Every place there is; a place that is not named here cannot be armed or reached.

On the event loops of the dispatcher, `sleep` holds everything up as a busy machine would, and `break` and `store-away` have a
meaning only where the store is asked: charge and failure.
"""

_RULE = re.compile(
    r"(?P<name>[a-z.-]+)=(?P<action>[a-z-]+)(?::(?P<seconds>[0-9]+(\.[0-9]+)?))?"
    r"(?:@(?P<hit>[1-9][0-9]*)|%(?P<chance>[0-9]+(\.[0-9]+)?))?"
)


@dataclass(frozen=True)
class Rule:
    """What happens at one place: at its `hit`-th reaching, or with a `chance` at each; once over all processes of a ledger
    if it is `hit`, as often as it comes if it is `chance`."""

    name: str
    action: str
    seconds: float = 0.0
    hit: int = 1
    chance: float | None = None


class Failpoints:
    """An armed plan. The seed decides all chances; the ledger, a folder, remembers what has happened across processes."""

    def __init__(self, rules: list[Rule], seed: int = 0, ledger: Path | None = None) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.name, []).append(rule)
        self._random, self._ledger = random.Random(seed), ledger
        self._reached: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        """Do what the plan says for this reaching of a place."""
        with self._lock:
            self._reached[name] += 1
            due = [rule for rule in self._rules.get(name, []) if self._is_due(rule)]
            for rule in due:
                if rule.action == "kill":  # before another thread notes a death of its own
                    _kill(rule)
        for rule in due:
            ACTIONS[rule.action](rule)

    def _is_due(self, rule: Rule) -> bool:
        if rule.chance is not None:
            return self._random.random() < rule.chance and self._note(rule, self._reached[rule.name])
        return self._reached[rule.name] >= rule.hit and self._note(rule, 0)

    def _note(self, rule: Rule, number: int) -> bool:
        """Whether this is the first time; a rule with a hit fires once for all processes that share the ledger."""
        if self._ledger is None:
            return rule.chance is not None or self._reached[rule.name] == rule.hit
        once = f"{rule.name}={rule.action}@{rule.hit}" if number == 0 else f"{rule.name}-{os.getpid()}-{number}"
        try:
            with open(self._ledger / once, "x") as written:
                json.dump({"name": rule.name, "action": rule.action, "pid": os.getpid(), "at": time.time()}, written)
        except FileExistsError:
            return False
        return True


def _kill(_rule: Rule) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze(_rule: Rule) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _sleep(rule: Rule) -> None:
    time.sleep(rule.seconds)


def _store_away(rule: Rule) -> None:
    raise StoreUnavailable(f"The store is away, by the failpoint {rule.name}.", hint="This is a test.")


def _break(rule: Rule) -> None:
    raise RuntimeError(f"Broken by the failpoint {rule.name}.")


ACTIONS: dict[str, Callable[[Rule], None]] = {
    "kill": _kill,
    "freeze": _freeze,
    "sleep": _sleep,
    "store-away": _store_away,
    "break": _break,
}
"""What may happen: the process is killed or stopped by a signal, waits, finds the store away, or breaks unforeseen."""

_armed: Failpoints | None = None


def parse(plan: str) -> list[Rule]:
    """The rules of a plan. Raises ManifestInvalid for one that cannot be understood or names no place."""
    return [_rule(part.strip()) for part in plan.split(";") if part.strip()]


def _rule(text: str) -> Rule:
    found = _RULE.fullmatch(text)
    if found is None or found["name"] not in NAMES or found["action"] not in ACTIONS:
        raise ManifestInvalid(
            f"{PLAN} holds {text!r}, which is no rule.",
            hint=f"Write place=action@hit or place=action%chance, with an action of {', '.join(ACTIONS)} and a place of failpoints.NAMES.",
        )
    chance = float(found["chance"]) if found["chance"] else None
    return Rule(found["name"], found["action"], float(found["seconds"] or 0), int(found["hit"] or 1), chance)


def arm(failpoints: Failpoints | None) -> None:
    """Let a plan act in this process from now on; None disarms."""
    global _armed
    _armed = failpoints


def arm_from_environment() -> None:
    """Arm what BRANDFARM_FAILPOINTS says, if it says anything; for main functions only. Raises ManifestInvalid."""
    plan = os.environ.get(PLAN, "")
    if not plan:
        return
    ledger = os.environ.get(LEDGER)
    if ledger:
        Path(ledger).mkdir(parents=True, exist_ok=True)
    arm(Failpoints(parse(plan), int(os.environ.get(SEED, "0")), Path(ledger) if ledger else None))


def surroundings() -> dict[str, str]:
    """The variables that arm a child process as this one."""
    return {name: os.environ[name] for name in (PLAN, SEED, LEDGER) if name in os.environ}


def reach(name: str) -> None:
    """A place is reached: nothing happens unless a plan is armed."""
    if _armed is not None:
        assert name in NAMES, f"{name} is no failpoint"
        _armed.reach(name)
