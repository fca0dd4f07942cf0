"""Knows when the machine itself stood still, so that a test which failed for that alone is run again, and says so.

A virtual machine's processor may get no time from its host for half a minute (Linux writes "soft lockup"). Real servers with real
leases then lose each other, as they should. Nothing else is ever run again: a busy machine wakes a sleeper within a second.
`python -m tests.stalls` is the watch: it sleeps on each processor, prints which and by how many seconds it was woken too late, again and
again, and ends with its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

TICK_SECONDS = 0.25
STALL_SECONDS = 5.0
BEFORE_SECONDS = 60.0
"""A test may fail for what a stall right before it broke."""
PATIENCE_SECONDS = 120.0
"""So long a test that failed in a stall waits for its end."""


def late(slept: float) -> float:
    """How much too late a sleeper was woken, in seconds; 0 where that is a busy machine's usual."""
    over = slept - TICK_SECONDS
    return over if over >= STALL_SECONDS else 0.0


@dataclass(frozen=True)
class Stall:
    """One time a processor stood still, by the monotonic clock."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass
class Watch:
    """The stalls since it started; `attempt` says when a test begins."""

    stalls: list[Stall] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    heard: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Begin to watch, in a process of its own: this one's threads wait for each other."""
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """End the watch."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        with self._process:
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            cpu, seconds = line.split()
            now = self.heard[cpu] = time.monotonic()
            if float(seconds):
                self.stalls.append(Stall(now - float(seconds), now))

    def attempt(self) -> None:
        """A test begins now."""
        self.began = time.monotonic()

    def is_to_blame(self, error: BaseException | None) -> bool:
        """Whether the machine stood still in the test that has just ended in an error, or right before; waits until it no longer does."""
        if error is None:
            return False
        time.sleep(4 * TICK_SECONDS)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._is_silent() and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        return any(stall.end >= self.began - BEFORE_SECONDS for stall in self.stalls)

    def _is_silent(self) -> bool:
        now = time.monotonic()
        return any(now - heard >= STALL_SECONDS / 2 for heard in list(self.heard.values()))

    def summary(self) -> str:
        """What a person is told at the end; nothing where the machine never stood still."""
        if not self.stalls:
            return ""
        longest = max(stall.seconds for stall in self.stalls)
        return f"the machine stood still {len(self.stalls)} times, for up to {longest:.0f} s; tests that failed then were run again"


def _sleep_on(cpu: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})  # of this thread alone
    while True:
        before = time.monotonic()
        time.sleep(TICK_SECONDS)
        seconds = late(time.monotonic() - before)
        os.write(1, f"{cpu} {seconds:.1f}\n".encode())  # whole lines, whichever thread says them


def main() -> None:
    """Watch for as long as the tests live, which end its standard input even where they are killed."""
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    for cpu in cpus:
        threading.Thread(target=_sleep_on, args=(cpu,), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
