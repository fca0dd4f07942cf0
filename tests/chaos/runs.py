"""A run of one scenario at one seed on a site, from a farm at rest to a farm at rest, and what came of it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from jobs.ports import ObjectStore
from tests.chaos import promise
from tests.chaos.scenarios import Scenario
from tests.chaos.sights import recovery_seconds
from tests.chaos.site import Site
from tests.chaos.stage import BRANDS, Stage
from tests.cluster.ray.nodes import until

KEPT = ("epoch/", "record/deleted/")
"""What a farm needs from one run to the next."""


@dataclass(frozen=True)
class Result:
    """What came of a run. `recovery`: seconds, none where it never recovered; `stuck` says what was waited for in vain."""

    scenario: str
    seed: int
    seconds: float
    recovery: float | None
    lost: tuple[str, ...] = ()
    doubles: tuple[str, ...] = ()
    stuck: str = ""

    @property
    def kept_promise(self) -> bool:
        """Whether nothing was lost, doubled or stuck."""
        return not (self.lost or self.doubles or self.stuck)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def run(site: Site, scenario: Scenario, seed: int) -> Result:
    """Play a scenario and judge it. A farm that is stuck is a result; an error of this harness is raised."""
    began = time.monotonic()
    until("the farm is up", lambda: site.is_ready() and site.has_spare())
    stage = Stage(site, scenario.name, seed)
    with stage.watched():
        try:
            fault = scenario.play(stage)
            stage.until_complete()
            stage.until_at_rest()
            recovery = recovery_seconds(stage.history, fault)
            lost, doubles = _judged(stage)
            stage.withdraw_all()
        except AssertionError as vain:
            return Result(
                scenario.name, seed, round(time.monotonic() - began, 1), None, stuck=f"{vain}; {stage.standing()}"
            )
    for child in ("dispatcher", "controller"):
        if site.is_armed(child):
            site.arm(child, "", 0, stage.ledger)
    clear(site.store)
    seconds = round(time.monotonic() - began, 1)
    return Result(scenario.name, seed, seconds, None if recovery is None else round(recovery, 2), lost, doubles)


def _judged(stage: Stage) -> tuple[tuple[str, ...], tuple[str, ...]]:
    store, uids = stage.site.store, stage.uids
    done = {job for job, report in stage.jobs.items() if report.state == "done"}
    lost = promise.lost(store, done, [uids["spring"]])
    doubles = promise.doubles(stage.site.door.taken) + promise.numbered_otherwise(
        store, [uids[name] for name in BRANDS]
    )
    return tuple(lost), tuple(doubles)


def clear(store: ObjectStore) -> None:
    """Make room: what a run has made is of no use to the next."""
    for key in list(store.list("")):
        if not key.startswith(KEPT):
            store.delete(key)
