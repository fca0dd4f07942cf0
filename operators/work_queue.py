"""A queue of keys: each waits once, is worked on by one at a time, and comes back later and later while it fails.

Pure: time is passed in as seconds that only grow. Knows nothing of what a key stands for.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 60.0


class WorkQueue(Generic[Key]):
    """Which key is due next. A key that is added while it is worked on waits until that is over."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key, at: float) -> None:
        """The key is due at a time, or earlier if it was due earlier already."""
        self._due[key] = min(at, self._due.get(key, at))

    def take(self, now: float) -> Key | None:
        """The key that has been due longest and is not worked on, now being worked on; None if there is none."""
        ready = [key for key, at in self._due.items() if at <= now and key not in self._busy]
        if not ready:
            return None
        key = min(ready, key=lambda one: self._due[one])
        del self._due[key]
        self._busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """The work on a key went well; its next failure is a first one."""
        self._busy.discard(key)
        self._failures.pop(key, None)

    def failed(self, key: Key, now: float, longest_seconds: float = LONGEST_BACK_OFF_SECONDS) -> float:
        """The work on a key failed: it is due again, twice as late each time. The seconds until then."""
        self._busy.discard(key)
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(FIRST_BACK_OFF_SECONDS * 2.0 ** min(failures, 16), longest_seconds)
        self.add(key, now + delay)
        return delay

    def next_due(self) -> float | None:
        """When the next key that is not worked on becomes due; None while none waits."""
        return min((at for key, at in self._due.items() if key not in self._busy), default=None)

    def is_failing(self, key: Key) -> bool:
        """Whether the last work on a key failed, so that only its back-off or a change may bring it back."""
        return key in self._failures

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._due)
