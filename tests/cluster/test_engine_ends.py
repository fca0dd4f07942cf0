"""A dispatcher that is to end does, whatever its workers do at that moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.cluster.test_engine import Farm, in_charge, played


def test_a_dispatcher_that_is_told_to_end_while_workers_are_silent_ends(tmp_path: Path) -> None:
    farm = Farm(tmp_path, *(f"w{number}" for number in range(20)))

    async def scene() -> None:
        for _ in range(10):
            async with farm.dispatching() as engine:
                await in_charge(farm, engine)
                farm.fleet.cut_off = set(farm.workers)
                await asyncio.sleep(0.02)
            farm.fleet.cut_off = set()

    played(scene())
