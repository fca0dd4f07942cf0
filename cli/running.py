"""Starts and stops the farm of a folder on this machine: its supervisor, a process that goes on when the terminal is closed.

Knows no terminal; how far it is, is told to whoever asks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cli import storing
from cluster import store_url
from cluster.farm_home import Endpoint, FarmHome, write_secret
from cluster.stores import open_store
from jobs.errors import FarmBusy, FarmDown, FarmError, Timeout

START_SECONDS = 600.0  # two tries of each part, with the supervisor's patience for each
STOP_SECONDS = 90.0  # three children, each with the time that a checkpoint needs
LOOK_EVERY_SECONDS = 0.2
STAGES = ("the supervisor starts", "Ray's head starts", "the dispatcher starts", "the controller starts")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Shape:
    """How much of this machine the farm may use: CPUs for Ray, threads for each worker."""

    cpus: int
    threads: int


def usual_shape() -> Shape:
    """All CPUs that this process may run on."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Shape(cpus, cpus)


def set_store(home: FarmHome, url: str) -> str:
    """Keeps the store's address for the farm, once the store has answered; its form without credentials.

    Raises StoreError for an address that names no store, StoreUnavailable where it does not answer.
    """
    address = store_url.parse(url)
    for _ in open_store(url).list("epoch/"):
        break
    home.prepare()
    write_secret(home.secret_store, url)
    return str(address)


def up(home: FarmHome, shape: Shape, tell: Tell) -> Endpoint:
    """Starts the farm and returns once it is ready. Ctrl-C meanwhile takes it down again.

    Raises FarmBusy where one runs, StoreUnsound where the store fails a quick check, FarmError where a part does not start, Timeout.
    """
    require_free(home)
    home.prepare()
    storing.require_sound(home)
    log = home.logs / "supervisor.log"
    begin = log.stat().st_size if log.exists() else 0
    process = _supervisor(home, shape, log)
    try:
        endpoint = _until_ready(home, process, log, begin, tell)
    except BaseException:
        _end(process)
        raise
    process.returncode = 0  # it outlives us: Python need not warn that nobody waits for it
    return endpoint


def foreground(home: FarmHome, shape: Shape) -> NoReturn:
    """Becomes the supervisor, so that whoever started this process stops the farm with it. Raises FarmBusy, StoreUnsound."""
    require_free(home)
    home.prepare()
    storing.require_sound(home)
    os.execv(sys.executable, _command(home, shape))


def down(home: FarmHome, tell: Tell) -> bool:
    """Stops the farm; False where none ran. Raises Timeout where it does not stop."""
    try:
        endpoint = home.endpoint()
    except FarmDown:
        if not is_held(home):
            return False
        raise FarmBusy(
            f"A farm in {home.root} is just starting, or just stopping.", hint="Try again in a moment."
        ) from None
    if not is_held(home):
        _end_what_a_crash_left(home)
        return True
    with contextlib.suppress(ProcessLookupError):  # it was stopping already
        os.kill(endpoint.pid, signal.SIGTERM)
    _until_stopped(home, tell)
    return True


def is_held(home: FarmHome) -> bool:
    """Whether a supervisor holds the home's lock."""
    if not home.lock.exists():
        return False
    with home.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def require_free(home: FarmHome) -> None:
    """Raises FarmBusy where a farm holds the home."""
    if is_held(home):
        raise FarmBusy(
            f"A farm runs in {home.root} already.",
            hint="Use it (`brandfarm status`), stop it (`brandfarm down`), or choose another folder with --home.",
        )


def _supervisor(home: FarmHome, shape: Shape, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            _command(home, shape),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1"},
        )


def _command(home: FarmHome, shape: Shape) -> list[str]:
    sizes = [f"--cpus={shape.cpus}", f"--threads={shape.threads}"]
    # -P: a folder called jobs or cluster where the person stands is not ours.
    return [sys.executable, "-P", "-m", "cluster.supervisor", f"--home={home.root}", *sizes]


def _until_ready(home: FarmHome, process: subprocess.Popen[bytes], log: Path, begin: int, tell: Tell) -> Endpoint:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _did_not_start(home, log, begin)
        endpoint = _announced(home)
        if endpoint is not None and endpoint.pid == process.pid:
            return endpoint
        tell(_stage(home, log, begin))
        time.sleep(LOOK_EVERY_SECONDS)
    raise Timeout(
        f"The farm in {home.root} was not ready after {START_SECONDS:.0f} s.", hint=f"See the logs in {home.logs}."
    )


def _announced(home: FarmHome) -> Endpoint | None:
    try:
        return home.endpoint()
    except FarmDown:
        return None


def _stage(home: FarmHome, log: Path, begin: int) -> str:
    """Which part starts now: the supervisor writes down each child as it starts it, and says which is slow."""
    try:
        started = len(json.loads(home.children.read_text()))
    except (OSError, ValueError):
        started = 0
    slow = [found[0] for line in _said(log, begin) if (found := re.search(r"\w+ is slow to start; try \d of \d", line))]
    return f"Starting the farm: {slow[-1] if slow else STAGES[min(started, len(STAGES) - 1)]}"


def _said(log: Path, begin: int) -> list[str]:
    """What the supervisor has said since it was started."""
    with log.open("rb") as file:
        file.seek(begin)
        return [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]


def _did_not_start(home: FarmHome, log: Path, begin: int) -> FarmError:
    said = _said(log, begin)
    last = said[-1] if said else "it said nothing"
    if last.startswith("Another farm holds"):
        return FarmBusy(last, hint="Use it (`brandfarm status`), or choose another folder with --home.")
    return FarmError(f"The farm did not start: {last}", hint=f"See the logs in {home.logs}.")


def _until_stopped(home: FarmHome, tell: Tell) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while is_held(home):
        if time.monotonic() > deadline:
            raise Timeout(
                f"The farm in {home.root} has not stopped after {STOP_SECONDS:.0f} s.",
                hint=f"See {home.logs / 'supervisor.log'}; `brandfarm down` again waits on.",
            )
        tell("Stopping the farm: work under way is kept as checkpoints")
        time.sleep(LOOK_EVERY_SECONDS)


def _end_what_a_crash_left(home: FarmHome) -> None:
    """A supervisor that was killed leaves its children and its endpoint behind."""
    from cluster.children import end_leftovers  # psutil and httpx, for this rare case alone

    with contextlib.redirect_stdout(sys.stderr):  # it logs; stdout is for data
        end_leftovers(home.children)
    home.withdraw()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Takes down a supervisor that this process started, and with it all that it started."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
