"""A queue of keys: each waits once, is worked on by one at a time, and comes back later and later while it fails.

Pure: time is passed in as seconds that only grow. Knows nothing of what a key stands for. Quick with ten thousand keys.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 60.0

SPARE_ENTRIES = 64
"""Entries of the heap that no longer mean anything, beside one for each key, before it is built anew."""


class WorkQueue(Generic[Key]):
    """Which key is due next. A key that is added while it is worked on waits until that is over.

    The heap holds every key that waits and is not worked on; entries that were overtaken stay in it until they come up.
    """

    def __init__(self) -> None:
        self._due: dict[Key, tuple[float, int]] = {}  # when, and its number in the order of coming
        self._heap: list[tuple[float, int, Key]] = []
        self._numbers = count()
        self._busy: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key, at: float) -> None:
        """The key is due at a time, or earlier if it was due earlier already."""
        known = self._due.get(key)
        if known is not None and known[0] <= at:
            return
        self._due[key] = (at, next(self._numbers) if known is None else known[1])
        if key not in self._busy:
            self._push(key)

    def take(self, now: float) -> Key | None:
        """The key that has been due longest and is not worked on, now being worked on; None if there is none."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._busy.add(key)
        return key

    def done(self, key: Key) -> None:
        """The work on a key went well; its next failure is a first one."""
        self._release(key)
        self._failures.pop(key, None)

    def failed(self, key: Key, now: float, longest_seconds: float = LONGEST_BACK_OFF_SECONDS) -> float:
        """The work on a key failed: it is due again, twice as late each time. The seconds until then."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(FIRST_BACK_OFF_SECONDS * 2.0 ** min(failures, 16), longest_seconds)
        self._release(key)
        self.add(key, now + delay)
        return delay

    def next_due(self) -> float | None:
        """When the next key that is not worked on becomes due; None while none waits."""
        while self._heap:
            at, number, key = self._heap[0]
            if self._due.get(key) == (at, number):
                return at
            heapq.heappop(self._heap)
        return None

    def is_failing(self, key: Key) -> bool:
        """Whether the last work on a key failed, so that only its back-off or a change may bring it back."""
        return key in self._failures

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._due)

    def _release(self, key: Key) -> None:
        if key not in self._busy:
            return
        self._busy.discard(key)
        if key in self._due:
            self._push(key)

    def _push(self, key: Key) -> None:
        at, number = self._due[key]
        if len(self._heap) >= 2 * len(self._due) + SPARE_ENTRIES:
            self._heap = [entry for entry in self._heap if self._due.get(entry[2]) == entry[:2]]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (at, number, key))
