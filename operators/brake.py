"""Holds withdrawals where most manifests are gone at once: that is rather a mistake with a cluster than a studio's wish.

The first few are let through at once. A larger crowd waits a minute until it is known how large it is; most of all that there
were is held until they return, or a grace is over. Knows a manifest by its uid alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Callable

FEW = 10
"""So many of a kind may be gone at once without anybody asking why."""

MOST = 0.5
"""More than this share of all that there were is most of them."""

AT_ONCE_SECONDS = 60.0
"""What vanishes within so long vanishes at once: an API server that drops a kind deletes its objects one by one."""


class Brake:
    """Which of those that vanished may be withdrawn. `hold_seconds`: the grace; 0 lets everything through."""

    def __init__(self, monotonic: Callable[[], float], hold_seconds: float = 0.0) -> None:
        self._monotonic, self._hold_seconds = monotonic, hold_seconds
        self._there_were: dict[str, set[str]] = defaultdict(set)  # by kind: those there, and those vanished of late
        self._missed: dict[str, float] = {}  # since when, by uid
        self._times: dict[str, list[float]] = defaultdict(list)  # by kind: the same times, sorted
        self._withdrawn = deque[tuple[float, str, str]]()  # when, which kind, which uid
        self._gone: set[str] = set()  # those that are missed and not withdrawn
        self._waiting: set[str] = set()  # those of them that may not be withdrawn yet

    def met(self, kind: str, uid: str) -> None:
        """One was seen, or heard of."""
        self._there_were[kind].add(uid)

    def missed(self, kind: str, uid: str) -> None:
        """One that was met is not there."""
        if uid not in self._missed:
            self._there_were[kind].add(uid)
            self._gone.add(uid)
            self._missed[uid] = self._monotonic()
            insort(self._times[kind], self._missed[uid])

    def returned(self, kind: str, uid: str) -> None:
        """One is there, whether it was missed or not."""
        since = self._missed.pop(uid, None)
        if since is not None:
            self._times[kind].remove(since)
        self._forget(uid)

    def withdrawn(self, kind: str, uid: str) -> None:
        """One is done with; that it vanished counts a little longer."""
        self._forget(uid)
        self._withdrawn.append((self._monotonic(), kind, uid))
        while self._withdrawn and self._withdrawn[0][0] < self._monotonic() - AT_ONCE_SECONDS:
            _, old_kind, old = self._withdrawn.popleft()
            self.returned(old_kind, old)
            self._there_were[old_kind].discard(old)

    def seconds_until_withdrawal(self, kind: str, uid: str) -> float:
        """How long one that is missed has to wait, as things are now; 0 where it may be withdrawn."""
        self.missed(kind, uid)
        if not self._hold_seconds:
            return 0.0
        seconds = self._missed[uid] + self._patience(kind, self._missed[uid]) - self._monotonic()
        if seconds > 0:
            self._waiting.add(uid)
        return max(0.0, seconds)

    def held(self) -> int:
        """How many were found to have to wait."""
        return len(self._waiting)

    def gone(self) -> int:
        """How many are missed and not withdrawn, asked for or not."""
        return len(self._gone)

    def _forget(self, uid: str) -> None:
        self._gone.discard(uid)
        self._waiting.discard(uid)

    def _patience(self, kind: str, since: float) -> float:
        times = self._times[kind]
        crowd = bisect_right(times, since + AT_ONCE_SECONDS) - bisect_left(times, since - AT_ONCE_SECONDS)
        if crowd <= FEW:
            return 0.0
        is_most = crowd > MOST * len(self._there_were[kind])
        return self._hold_seconds if is_most else min(AT_ONCE_SECONDS, self._hold_seconds)
