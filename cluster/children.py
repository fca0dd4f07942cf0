"""The processes that a supervisor starts, each leading a session of its own, and how all of a session is ended.

Knows neither what they do nor when they should run.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import structlog

STOP_SECONDS = 20.0  # what a child gets between SIGTERM and SIGKILL: a checkpoint's time
GO = b"go\n"  # what a spare waits for on its standard input; when that ends without it, so does the spare
SWEEPS = 5  # what is killed may have started another just before

log = structlog.get_logger("supervisor")


@dataclass
class Child:
    """One supervised process: how it is started, and how often it has died lately."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0  # since it last lived for STEADY_SECONDS
    not_before: float = 0.0
    farewell: signal.Signals = signal.SIGTERM
    needs: tuple[str, ...] = field(default=())  # children that it cannot live without
    fresh: Callable[[], list[str]] = list  # what is added to the command, found anew at each start
    log: Path | None = None  # where the cause is found if it does not start; left out: its own
    keeps_spare: bool = False  # whether another waits, all imported and connected, to take its place
    spare: subprocess.Popen[bytes] | None = None
    spare_started: float = -math.inf

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def lacks_spare(self, rest_seconds: float) -> bool:
        """Whether another spare is due: at once after one was taken, after a rest where one died of itself."""
        if self.spare is None:
            return True
        return self.spare.poll() is not None and time.monotonic() - self.spare_started > rest_seconds

    def spare_age(self) -> float:
        """Seconds since the spare was started; 0 where there is none."""
        return time.monotonic() - self.spare_started if self.spare is not None else 0.0

    def keep_spare(self, spare: subprocess.Popen[bytes]) -> None:
        """This process waits from now on; one that died before it is buried."""
        self.dismiss_spare()
        self.spare, self.spare_started = spare, time.monotonic()

    def take_spare(self) -> subprocess.Popen[bytes] | None:
        """The spare, told to go; None where there is none that lives."""
        spare, self.spare = self.spare, None
        if spare is None or spare.poll() is not None or spare.stdin is None:
            return None
        try:
            spare.stdin.write(GO)
            spare.stdin.close()
        except BrokenPipeError:
            return None
        return spare

    def dismiss_spare(self) -> None:
        """Let the spare end: it holds nothing."""
        spare, self.spare = self.spare, None
        if spare is not None:
            end_session(spare.pid)
            spare.wait()
            if spare.stdin is not None:
                spare.stdin.close()

    def drop(self) -> None:
        """End it and its whole session at once, if it runs."""
        if self.process is not None:
            end_session(self.process.pid)
            self.process.wait()
            self.process = None

    def end(self) -> None:
        """Ask it to stop, wait for a checkpoint's time, and leave nothing of its session."""
        self.dismiss_spare()
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, self.farewell)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("killed, it did not stop", child=self.name)
        self.drop()


def end_leftovers(children: Path) -> None:
    """End what a supervisor that was killed left running. children: the file in the farm's home that it wrote.

    A number that has been given to somebody else's session since is let be: ours know their home.
    """
    if not children.exists():
        return
    for leader in json.loads(children.read_text()):
        end_session(leader, of_home=str(children.parent))
    children.unlink()


def end_session(leader: int, of_home: str = "") -> None:
    """Kill all that is left of a session. Ray gives each worker a process group of its own, so a group is not all."""
    for _ in range(SWEEPS):
        left = [one for one in psutil.process_iter() if _is_in_session(one, leader)]
        if not left or not (of_home == "" or any(_knows_home(one, of_home) for one in left)):
            return
        log.info("ending what is left", pids=[one.pid for one in left])
        for one in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(left, timeout=STOP_SECONDS)
    log.error("something does not end", leader=leader)


def _is_in_session(process: psutil.Process, leader: int) -> bool:
    try:
        return os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
        return False


def _knows_home(process: psutil.Process, home: str) -> bool:
    """Ray's workers write their titles over their environment, so one process speaks for its whole session."""
    try:
        return process.environ().get("BRANDFARM_HOME") == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
