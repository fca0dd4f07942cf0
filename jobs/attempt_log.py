"""What an attempt tells, as numbered objects of JSON lines in the store, written every two seconds. Never the truth."""

from __future__ import annotations

import json
from typing import Any

from jobs import keys
from jobs.errors import StoreError
from jobs.ports import Clock, ObjectStore

FLUSH_SECONDS = 2.0


class AttemptLog:
    """The log of one attempt at one job. A store that is away loses nothing: the lines wait for the next flush."""

    def __init__(self, store: ObjectStore, asked: str, attempt: int, clock: Clock) -> None:
        self._store, self._asked, self._attempt, self._clock = store, asked, attempt, clock
        self._lines: list[str] = []
        self._number: int | None = None
        self._flushed = clock.monotonic()

    def line(self, event: str, **fields: Any) -> None:
        """One line: an event with its fields and the time in seconds since 1970."""
        self._lines.append(json.dumps({"at": round(self._clock.now(), 3), "event": event, **fields}))

    def flush_if_due(self) -> None:
        """Write what has come together, if two seconds have passed."""
        if self._lines and self._clock.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has come together now."""
        if not self._lines:
            return
        try:
            if self._number is None:
                self._number = self._first_free()
            text = "\n".join(self._lines) + "\n"
            self._store.put(keys.log(self._asked, self._attempt, self._number), text.encode())
        except StoreError:
            self._flushed = self._clock.monotonic()  # the lines are kept; the next flush tries again
            return
        self._number += 1
        self._lines.clear()
        self._flushed = self._clock.monotonic()

    def _first_free(self) -> int:
        """After the last piece of an earlier holder of this attempt; old pieces may have been swept, so counting is not enough."""
        prefix = keys.log(self._asked, self._attempt, 0).rsplit("/", 1)[0] + "/"
        numbers = [int(key.rsplit("/", 1)[1].removesuffix(".jsonl")) for key in self._store.list(prefix)]
        return max(numbers, default=-1) + 1
