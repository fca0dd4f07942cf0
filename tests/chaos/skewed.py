"""Runs a main module whose wall clock can be moved from outside: `python -m tests.chaos.skewed cluster.main`.

The file that CLOCK names holds how many seconds the clock is off. Steady time is as it is, as on a machine whose clock was set.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

CLOCK = "BRANDFARM_CHAOS_CLOCK"


def main() -> int:
    """Move the clock before anything has taken hold of it, then run the module's main."""
    true_time, shift = time.time, Path(os.environ[CLOCK])
    time.time = lambda: true_time() + float(shift.read_text())
    return int(importlib.import_module(sys.argv[1]).main())


if __name__ == "__main__":
    sys.exit(main())
