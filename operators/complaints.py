"""A trouble that lasts, for a log that a person reads: said when it begins, now and then while it lasts, and when it is over."""

from __future__ import annotations

from collections.abc import Callable

EVERY_SECONDS = 30.0


class Complaint:
    """One trouble. `monotonic`: steady seconds."""

    def __init__(self, monotonic: Callable[[], float], every_seconds: float = EVERY_SECONDS) -> None:
        self._monotonic, self._every_seconds = monotonic, every_seconds
        self._began: float | None = None
        self._said = 0.0

    def is_due(self) -> bool:
        """It is there; whether to say so now, which then counts as said."""
        now = self._monotonic()
        if self._began is None:
            self._began = now
        elif now < self._said + self._every_seconds:
            return False
        self._said = now
        return True

    def over(self) -> float | None:
        """It is not there, or no more: how many seconds it lasted, None where there was none."""
        began, self._began = self._began, None
        return None if began is None else self._monotonic() - began
