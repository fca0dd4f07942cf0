"""Programs that outlive the command that started them, remembered by their number and the moment of their birth."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.tools.cluster.places import ClusterFailed

STOP_SECONDS = 15
LAST_LINES = 15
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def start(folder: Path, name: str, command: Sequence[str | Path]) -> None:
    """A program in a session of its own, with a log of its own; it is not waited for."""
    arguments = [str(word) for word in command]
    environment = {"HOME": str(folder), "PATH": PATH}
    told = log(folder, name)
    told.parent.mkdir(parents=True, exist_ok=True)
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(told), writing, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    number = os.posix_spawn(arguments[0], arguments, environment, file_actions=files, setsid=True)
    record = _record(folder, name)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"number": number, "born": _born(number)}))


def find(folder: Path, name: str) -> psutil.Process | None:
    """The program while it lives; another that was given its number later is not it."""
    record = _record(folder, name)
    if not record.exists():
        return None
    kept = json.loads(record.read_text())
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(kept["number"])
        if _born(process.pid) == kept["born"] and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def names(folder: Path) -> list[str]:
    """All that were started and not stopped since, dead or alive."""
    return sorted(path.stem for path in (folder / "programs").glob("*.json"))


def stop(folder: Path, name: str) -> None:
    """Asks it to end, insists after a while, and waits until it is gone; a frozen one is ended at once."""
    process = find(folder, name)
    if process is not None:
        with suppress(psutil.NoSuchProcess):
            process.terminate() if process.status() != psutil.STATUS_STOPPED else process.kill()
        _, left = psutil.wait_procs([process], STOP_SECONDS)
        kill(left)
    _record(folder, name).unlink(missing_ok=True)


def kill(processes: Iterable[psutil.Process]) -> None:
    """Ends them at once, frozen or not, and waits until they are gone."""
    those = list(processes)
    for process in those:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(those, STOP_SECONDS)


def log(folder: Path, name: str) -> Path:
    """What a program says."""
    return folder / "logs" / f"{name}.log"


def wait(folder: Path, name: str, seconds: float, ready: Callable[[], bool]) -> None:
    """Returns once a program is ready. Raises ClusterFailed, with its last lines."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and find(folder, name) is not None:
        if ready():
            return
        time.sleep(0.2)
    state = "ended before it was ready" if find(folder, name) is None else f"was not ready within {seconds:.0f} s"
    lines = log(folder, name).read_text(errors="replace").splitlines()[-LAST_LINES:]
    raise ClusterFailed(f"{name} {state}. It said:\n" + "\n".join(lines))


def _born(number: int) -> int | None:
    """In the kernel's ticks since it started: a clock that is set meanwhile does not move it."""
    try:
        told = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(told.rpartition(")")[2].split()[19])


def _record(folder: Path, name: str) -> Path:
    return folder / "programs" / f"{name}.json"
