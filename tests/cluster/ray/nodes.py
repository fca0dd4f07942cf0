"""A real Ray cluster for tests, from start to end: host.py in a process of its own, asked over its pipes. Knows no farm."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from cluster import ray_head

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120.0
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer; nothing happens at once on real processes."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.05)
    return answer


@dataclass
class RayCluster:
    """The cluster of host.py: its address, CPUs by node id, and a way to ask about its actors. log: what host.py and Ray say."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    log: Path
    address: str = ""
    nodes: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Hear where it is, once it is there."""
        said = self._hear()
        self.address, self.nodes = said["address"], said["nodes"]

    def stands(self) -> bool:
        """Whether all that it began with lives: Ray gives up a node for good that stood still while the control store did not."""
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
            return set(self.nodes) <= set(self.ask("alive"))
        except (OSError, AssertionError):
            return False

    def ask(self, *question: Any) -> Any:
        """One of host.py's questions with its arguments."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(self._last_words()) from None
        return self._hear()

    def _hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self._last_words()
        return json.loads(line)

    def _last_words(self) -> str:
        said = [line for line in self.log.read_text().splitlines() if "/raylet(+0x" not in line]
        return "\n".join([f"the cluster's host ended with {self.process.wait()}:", *said[-20:]])

    def leave(self) -> None:
        """Take the cluster down in good order; nothing of it may be left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=120)
        until("every process of the cluster has ended", lambda: not self.processes(), seconds=120)

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster that lives, however it was reparented."""
        return [one for one in psutil.process_iter() if _marked(one, self.environment["RAY_AUTH_TOKEN"])]


@contextmanager
def ray_cluster(folder: Path, nodes: int) -> Iterator[RayCluster]:
    """A cluster that leaves no process behind. folder: a short path, since Ray keeps sockets in it."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("BRANDFARM_", "RAY_"))}
    environment = {
        **ours,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        **ray_head.HEALTH,
        "RAY_raylet_start_wait_time_s": "120",  # a busy machine needs more than Ray's half minute
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
    }
    host_log = folder / "host.log"
    with host_log.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.ray.host", str(nodes)],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    cluster = RayCluster(process, environment, host_log)
    try:
        cluster.begin()
        yield cluster
        cluster.leave()
    finally:
        for one in cluster.processes():
            one.kill()
        process.kill()
        with process:
            process.wait()


def _marked(process: psutil.Process, token: str) -> bool:
    try:
        return process.environ().get("RAY_AUTH_TOKEN") == token and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False
