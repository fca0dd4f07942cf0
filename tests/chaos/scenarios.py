"""The faults, each by name: what is done to a farm at work, and at which moment. The stage's seed chooses victim, moment and hit."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from cluster.ray_fleet import PREFIX
from tests.chaos import bench
from tests.chaos.sights import Fault
from tests.chaos.site import wait
from tests.chaos.stage import STUCK_SECONDS, Stage
from tests.cluster.ray.nodes import until
from tests.store.proxy import Mishap

Play = Callable[[Stage], Fault]

AGES = 10**9
"""More requests than anybody makes."""


@dataclass(frozen=True)
class Scenario:
    """A fault by name, the bar for its recovery's 95th percentile in seconds (0: none), and what it does. `needs_head`: it
    is played where Ray's head is a child of the supervisor."""

    name: str
    bar: float
    play: Play
    needs_head: bool = False


# Workers and nodes


def kill_worker(stage: Stage) -> Fault:
    """A worker dies in the middle of whatever it does."""
    stage.apply()
    stage.until_moment()
    return _kill(stage, stage.worker_at_work())


def _kill(stage: Stage, worker: str) -> Fault:
    pid, at = stage.site.workers()[worker], time.time()
    os.kill(pid, signal.SIGKILL)
    return Fault(at, lost=worker)


def kill_worker_at_record(stage: Stage) -> Fault:
    """A worker dies when a result is kept and its record is not."""
    worker, pid = _met_at_record(stage, signal.SIGKILL)
    until("the worker is dead", lambda: _is(pid, psutil.STATUS_ZOMBIE))
    return Fault(time.time(), lost=worker)


def _met_at_record(stage: Stage, ending: signal.Signals) -> tuple[str, int]:
    """Name and process of the worker that has met a signal between a result and its record."""
    stage.apply()
    names = {pid: worker for worker, pid in stage.site.workers().items()}
    stage.until_moment(latest=10)
    bench.arm(stage.site.store, ending)
    pid = until("a worker has a result", lambda: bench.met(stage.site.store))
    return names[pid], pid


def freeze_worker(stage: Stage) -> Fault:
    """A worker is frozen, loses its lease, and wakes when others have its work."""
    stage.apply()
    stage.until_moment()
    pids, worker = stage.site.workers(), stage.worker_at_work()
    at = time.time()
    os.kill(pids[worker], signal.SIGSTOP)
    return _thaw_when_replaced(stage, worker, pids[worker], at)


def freeze_worker_at_record(stage: Stage) -> Fault:
    """A worker is frozen between result and record; its record comes late, when another's stands already."""
    worker, pid = _met_at_record(stage, signal.SIGSTOP)
    until("the worker is frozen", lambda: _is(pid, psutil.STATUS_STOPPED))
    return _thaw_when_replaced(stage, worker, pid, time.time())


def _thaw_when_replaced(stage: Stage, worker: str, pid: int, at: float) -> Fault:
    try:
        stage.until_begun_anew(worker)
        wait(stage.random.uniform(0, 3))
    finally:
        os.kill(pid, signal.SIGCONT)
    return Fault(at, lost=worker)


def _is(pid: int, status: str) -> bool:
    """Whether a process has that status; one that is gone was a zombie before."""
    try:
        return bool(psutil.Process(pid).status() == status)
    except psutil.NoSuchProcess:
        return status == psutil.STATUS_ZOMBIE


def lose_node(stage: Stage) -> Fault:
    """A node's processes die with all that they hold."""
    assert stage.site.cluster is not None
    node = stage.site.cluster.ask("join")
    worker = f"{PREFIX}{node[:8]}-0"
    until("the new node's worker answers", lambda: worker in {one.name for one in stage.site.summary().workers})
    stage.apply()
    stage.until_moment(latest=20)
    until("it works", lambda: any(job.worker == worker for job in stage.history[-1].jobs.values()))
    at = time.time()
    stage.site.cluster.ask("lose", node)
    return Fault(at, lost=worker)


# Dispatcher, controller, head


def kill_dispatcher(stage: Stage) -> Fault:
    """The dispatcher dies at any moment."""
    stage.apply()
    stage.until_moment()
    at = time.time()
    os.kill(stage.site.living_pid("dispatcher"), signal.SIGKILL)
    return Fault(at, waits_for_dispatcher=True)


def kill_controller(stage: Stage) -> Fault:
    """The controller dies at any moment."""
    stage.apply()
    stage.until_moment()
    at = time.time()
    os.kill(stage.site.living_pid("controller"), signal.SIGKILL)
    return Fault(at, waits_for_jobs=False, waits_for_controller=True)


def kill_head(stage: Stage) -> Fault:
    """Ray's head dies, and with it the whole cluster."""
    stage.apply()
    stage.until_moment()
    at = time.time()
    stage.site.kill_head()
    return Fault(at, waits_for_dispatcher=True)


def kill_dispatcher_at(place: str, most_hits: int, stage: Stage) -> Fault:
    """The dispatcher dies at a step of its loop; at a step of its start, that is the second death within seconds."""
    plan = f"{place}=kill@{_hit(stage, most_hits)}"
    is_of_start = most_hits == 0
    stage.site.load("dispatcher", plan, stage.seed, stage.ledger)
    if not is_of_start:
        stage.site.restart("dispatcher")
        until("there is a spare", stage.site.has_spare)
    stage.apply()
    stage.apply_whim()
    if is_of_start:
        stage.until_moment()  # the farm is at work by then
        stage.site.restart("dispatcher")
    if "failure" in place:
        _kill(stage, stage.worker_at_whim())
        _told_at(stage)  # before the whim is withdrawn: nobody writes down how that ended
    stage.withdraw_whim()
    return Fault(_told_at(stage), waits_for_dispatcher=True)


def kill_controller_at(place: str, most_hits: int, stage: Stage) -> Fault:
    """The controller dies at one of its effects."""
    stage.site.arm("controller", f"{place}=kill@{_hit(stage, most_hits)}", stage.seed, stage.ledger)
    stage.apply()
    stage.apply_whim()
    stage.withdraw_whim()
    return Fault(_told_at(stage), waits_for_jobs=False, waits_for_controller=True)


def _hit(stage: Stage, most_hits: int) -> int:
    return stage.random.randint(1, max(1, most_hits))


def _told_at(stage: Stage) -> float:
    """When an armed place was reached, by its ledger."""
    until("the armed place is reached", lambda: _entries(stage.ledger), STUCK_SECONDS)
    (entry,) = _entries(stage.ledger)
    return float(json.loads(entry.read_text())["at"])


def _entries(ledger: Path) -> list[Path]:
    return [entry for entry in ledger.glob("*") if entry.read_text()] if ledger.exists() else []


# The store, and time


def take_store_away(seconds: float, stage: Stage) -> Fault:
    """The store does not answer for a while."""
    door = stage.site.door
    stage.apply()
    stage.until_moment()
    door.turned_away = AGES
    try:
        wait(seconds)
    finally:
        door.turned_away = 0
    return Fault(time.time(), waits_for_controller=True)


def lose_replies(stage: Stage) -> Fault:
    """The store did what it was asked, and its answers to conditional PUTs are lost, several times."""
    stage.apply()
    stage.until_moment()
    at = time.time()
    stage.site.door.mishaps += [stage.random.choice((Mishap.REPLY_LOST, Mishap.REPLY_IS_503)) for _ in range(8)]
    until("the replies are lost", lambda: not stage.site.door.mishaps)
    return Fault(at)


def fill_disk(seconds: float, stage: Stage) -> Fault:
    """The store's disk is full for a while."""
    stage.apply()
    stage.until_moment()
    stage.site.fill_disk()
    try:
        wait(seconds)
    finally:
        stage.site.free_disk()
    return Fault(time.time(), waits_for_controller=True)


def move_clock(stage: Stage) -> Fault:
    """The wall clocks of dispatcher and controller are set by hours, forwards or backwards, and later set right."""
    stage.apply()
    stage.until_moment(latest=8)
    at = time.time()
    stage.site.shift_clock(stage.random.choice((-1, 1)) * stage.random.uniform(1, 30) * 3600)
    stage.until_complete()
    stage.site.shift_clock(0)
    return Fault(at)


DISPATCHER_PLACES = {
    "dispatcher.before-charge": 0,
    "dispatcher.after-charge": 0,
    "dispatcher.met": 0,
    "dispatcher.want": 6,
    "dispatcher.told": 30,
    "dispatcher.looked": 8,
    "dispatcher.before-begin": 6,
    "dispatcher.after-begin": 6,
    "dispatcher.stop": 1,
    "dispatcher.tick": 30,
    "dispatcher.before-failure": 1,
    "dispatcher.after-failure": 1,
}
"""Each step of its loop, and the highest hit at which it may die there; 0: when it starts over a farm at work.

Failures are written down when a worker has died, so these are two faults at once, and have no bar.
"""

CONTROLLER_PLACES = {
    "controller.before-plan": 2,
    "controller.before-version": 3,
    "controller.after-version": 3,
    "controller.before-campaign": 1,
    "controller.after-campaign": 1,
    "controller.before-hand-over": 8,
    "controller.after-hand-over": 8,
    "controller.before-status": 10,
    "controller.after-status": 10,
    "controller.before-retire": 1,
    "controller.after-retire": 1,
}
"""Each of its effects, and the highest hit at which it may die there."""

SHORT_OUTAGE_SECONDS = 8.0
LONG_OUTAGE_SECONDS = 60.0

SCENARIOS = (
    Scenario("worker killed", 5, kill_worker),
    Scenario("worker killed before its record", 5, kill_worker_at_record),
    Scenario("worker frozen and thawed", 45, freeze_worker),
    Scenario("worker frozen before its record", 45, freeze_worker_at_record),
    Scenario("node lost", 15, lose_node),
    Scenario("dispatcher killed", 5, kill_dispatcher),
    Scenario("controller killed", 0, kill_controller),
    Scenario("store away for 8 s", 30, partial(take_store_away, SHORT_OUTAGE_SECONDS)),
    Scenario("store away for 60 s", 30, partial(take_store_away, LONG_OUTAGE_SECONDS)),
    Scenario("replies lost", 0, lose_replies),
    Scenario("disk full", 30, partial(fill_disk, SHORT_OUTAGE_SECONDS)),
    Scenario("clock moved", 0, move_clock),
    *(
        Scenario(f"killed at {place}", 0 if "failure" in place else 5, partial(kill_dispatcher_at, place, most))
        for place, most in DISPATCHER_PLACES.items()
    ),
    *(
        Scenario(f"killed at {place}", 0, partial(kill_controller_at, place, most))
        for place, most in CONTROLLER_PLACES.items()
    ),
    Scenario("head killed", 60, kill_head, needs_head=True),
)


def by_name(name: str) -> Scenario:
    """The scenario of that name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
