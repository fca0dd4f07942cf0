"""The machine's clock behind the Clock port. Tests pass their own."""

from __future__ import annotations

import time


class MachineClock:
    """Time as this machine has it."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()
