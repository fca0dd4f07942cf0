"""Before a pod goes: its workers keep what they have come to and hand it back. `python -m cluster.drain --within 90`.

Meant as the preStop hook of Ray's worker pods: it returns once nothing is held, or when the time is over, and ends no process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from cluster import departure, logs
from cluster.departure import Answer

LOOK_SECONDS = 0.2
NEWS_SECONDS = 10.0
"""How long a dispatcher is waited for that should hear of it; one that is away finds the checkpoints in the store."""

log = structlog.get_logger("drain")


def drain(place: Path, within: float, now: Callable[[], float], pause: Callable[[float], None]) -> list[Answer]:
    """Tell the workers to leave until they hold nothing and were heard; whoever still holds something when time is over."""
    began = now()
    empty_since: float | None = None
    while True:
        answers = departure.knock(place)
        holding = [one for one in answers if one.leaving.held]
        if holding:
            empty_since = None
        elif empty_since is None:
            empty_since = now()
        is_heard = not any(one.leaving.untold for one in answers)
        has_waited = empty_since is not None and now() - empty_since >= NEWS_SECONDS
        if (not holding and (is_heard or has_waited)) or now() - began >= within:
            return holding
        pause(LOOK_SECONDS)


def main() -> int:
    """0 where every worker here has let go of everything, 1 where time was over before that."""
    parser = argparse.ArgumentParser(prog="cluster.drain", description=__doc__)
    parser.add_argument("--within", type=float, default=90.0, help="seconds; less than the pod's grace period")
    given = parser.parse_args()
    logs.to_stderr_as_json("drain")
    began = time.monotonic()
    holding = drain(departure.folder(), given.within, time.monotonic, time.sleep)
    for one in holding:
        log.warning("still at work", worker=one.worker, held=one.leaving.held)
    log.info("drained" if not holding else "time is over", seconds=round(time.monotonic() - began, 1))
    return 1 if holding else 0


if __name__ == "__main__":
    sys.exit(main())
