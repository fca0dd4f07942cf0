"""Wakes those who wait for news: a number that grows when something has changed. Knows not what.

Changes of state are told at once, progress at most once a second: every wake makes the controller look again.
"""

from __future__ import annotations

import asyncio

PROGRESS_SECONDS = 1.0


class Wakes:
    """The number of the last change, and those who wait for the next. `first`: where to begin, not where another began."""

    def __init__(self, first: int) -> None:
        self._number = first
        self._moves = 0
        self._told_at = float("-inf")
        self._has_untold = False
        self._next = asyncio.Event()

    def moved(self, moves: int) -> None:
        """So many jobs have changed their state so far; more than before wakes everybody."""
        if moves != self._moves:
            self._moves = moves
            self._tell()

    def progressed(self, now: float) -> None:
        """Some job came further, at a moment in steady seconds."""
        self._has_untold = True
        self.tell_progress(now)

    def tell_progress(self, now: float) -> None:
        """Tell of progress that was held back, if a second has passed since the last."""
        if self._has_untold and now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self._tell()

    async def wait(self, after: int, wait_seconds: float) -> int:
        """The number of the last change, as soon as it is not `after`, or when wait_seconds have passed."""
        try:
            async with asyncio.timeout(wait_seconds):
                while self._number == after:
                    await self._next.wait()
        except TimeoutError:
            return self._number
        return self._number

    def _tell(self) -> None:
        self._number += 1
        self._has_untold = False
        woken, self._next = self._next, asyncio.Event()
        woken.set()
