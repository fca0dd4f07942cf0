"""Leases are counted in steady seconds: a wall clock that is set, forward or back, moves none of them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from cluster.clocks import MachineClock
from cluster.engine import Engine
from tests.cluster.dispatching import wanted
from tests.cluster.test_engine import QUICK, SOCK, Farm, HandClock, in_charge, played

HOUR = 3600.0


class SettableClock(HandClock):
    """A clock whose wall time somebody sets."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0.0

    def now(self) -> float:
        return super().now() + self.set_by


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    farm = Farm(tmp_path, "w1", "w2", steps=10_000)
    farm.clock = SettableClock()
    return farm


def set_clock(farm: Farm, seconds: float) -> None:
    assert isinstance(farm.clock, SettableClock)
    farm.clock.set_by = seconds


def silent(engine: Engine) -> set[str]:
    return {worker.name for worker in engine.summary().workers if not worker.alive}


def test_a_clock_that_is_set_forward_takes_no_workers_lease(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            holder = engine.job(SOCK.id).worker
            farm.fleet.cut_off.add(holder)  # it cannot renew its lease, which has half a minute to go
            set_clock(farm, HOUR)
            await farm.until(lambda: holder in silent(engine))
            await asyncio.sleep(20 * QUICK.tick)
            assert (engine.job(SOCK.id).worker, engine.job(SOCK.id).attempt) == (holder, 1)

    played(scene())


def test_a_clock_that_is_set_back_keeps_no_lease_alive(farm: Farm) -> None:
    async def scene() -> None:
        async with farm.dispatching() as engine:
            await in_charge(farm, engine)
            engine.want("owner", wanted(SOCK))
            await farm.until(lambda: engine.job(SOCK.id).done >= 1)
            first = engine.job(SOCK.id).worker
            farm.fleet.cut_off.add(first)
            set_clock(farm, -HOUR)
            farm.clock.seconds += 31
            await farm.until(lambda: engine.job(SOCK.id).worker not in ("", first))

    played(scene())


def test_the_machines_steady_clock_is_not_the_one_that_people_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = MachineClock().monotonic()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert MachineClock().now() == 0.0
    assert MachineClock().monotonic() >= before
