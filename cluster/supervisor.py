"""The small process that `brandfarm up` leaves behind: starts Ray's head, dispatcher and controller, restarts what dies.

It holds the lock that answers "two farms on one home", and ends what a crashed one left. `python -m cluster.supervisor --home DIR`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import psutil
import structlog

from cluster import store_url
from cluster.farm_home import Endpoint, FarmHome, write_secret
from jobs.errors import FarmBusy
from jobs.identity import digest_of

READY_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.5
STOP_SECONDS = 20.0  # what a child gets between SIGTERM and SIGKILL: a checkpoint's time
LONGEST_BACK_OFF_SECONDS = 30.0

log = structlog.get_logger("supervisor")


@dataclass
class Child:
    """One supervised process: how it is started, and how often it has died lately."""

    name: str
    command: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    not_before: float = 0.0
    needs: tuple[str, ...] = field(default=())  # children whose restart means its own


class Supervisor:
    """Holds a home, keeps its children alive, and takes them down again."""

    def __init__(self, home: FarmHome, *, cpus: int, threads: int) -> None:
        self._home = home
        self._stopping = threading.Event()
        self._lock_file: IO[str] | None = None
        self._ray_port, self._api_port = _free_ports(2)
        self._children = self._plan(cpus, threads)

    def run(self) -> None:
        """Start everything, say so, and watch until told to stop. Raises FarmBusy where the home is held."""
        self._hold()
        try:
            end_leftovers(self._home.children)
            for child in self._children:
                self._start(child)
                self._wait_until_ready(child)
            self._announce()
            while not self._stopping.wait(LOOK_EVERY_SECONDS):
                self._look()
        finally:
            self._home.withdraw()
            self._take_down()

    def stop(self, *_signal: object) -> None:
        """Take the farm down at the next look."""
        self._stopping.set()

    def _hold(self) -> None:
        self._home.prepare()
        self._lock_file = self._home.lock.open("a+")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise FarmBusy(
                f"Another farm holds {self._home.root}.",
                hint="Use it as it is (`brandfarm status`), stop it with `brandfarm down`, or choose another --home.",
            ) from held

    def _plan(self, cpus: int, threads: int) -> list[Child]:
        home, token = self._home, self._home.token()
        ray_address = f"127.0.0.1:{self._ray_port}"
        environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": token,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": str(_short_temporary_folder(home)),
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": str(threads),
            "BRANDFARM_HOME": str(home.root),
            "BRANDFARM_STORE": home.store_url(),
            "BRANDFARM_TOKEN_FILE": str(home.token_file),
            "BRANDFARM_HOST": "127.0.0.1",
            "BRANDFARM_PORT": str(self._api_port),
            "BRANDFARM_DISPATCHER": self._dispatcher_url,
            "BRANDFARM_RAY_ADDRESS": ray_address,
            "BRANDFARM_THREADS": str(threads),
        }
        ray = [
            str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats",
            "--include-dashboard=false", f"--port={self._ray_port}", f"--num-cpus={cpus}",
            "--node-ip-address=127.0.0.1", f"--temp-dir={_short_temporary_folder(home)}",
        ]  # fmt: skip
        return [
            Child("ray", ray, environment),
            Child("dispatcher", [sys.executable, "-m", "cluster.main"], environment, needs=("ray",)),
            Child("controller", [sys.executable, "-m", "operators.main"], environment),
        ]

    @property
    def _dispatcher_url(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    def _start(self, child: Child) -> None:
        with (self._home.logs / f"{child.name}.log").open("ab") as out:
            child.process = subprocess.Popen(
                child.command, env=child.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, cwd=self._home.root,
            )  # fmt: skip
        log.info("started", child=child.name, pid=child.process.pid)
        self._write_children()

    def _wait_until_ready(self, child: Child) -> None:
        ready: dict[str, Callable[[], bool]] = {
            "ray": lambda: _answers(self._ray_port),
            "dispatcher": lambda: _is_healthy(self._dispatcher_url),
        }
        deadline = time.monotonic() + READY_SECONDS
        check = ready.get(child.name)
        while check is not None and not check() and not self._stopping.is_set():
            if time.monotonic() > deadline or (child.process and child.process.poll() is not None):
                raise SystemExit(f"{child.name} did not start; see {self._home.logs / (child.name + '.log')}")
            time.sleep(0.1)

    def _look(self) -> None:
        for child in self._children:
            if child.process is None or child.process.poll() is not None:
                self._revive(child)

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            child.deaths += 1
            wait = min(LONGEST_BACK_OFF_SECONDS, 0.25 * 2**child.deaths) if child.deaths > 1 else 0.0
            child.not_before = now + wait
            log.warning("died", child=child.name, code=child.process.returncode, again_in_seconds=wait)
            _kill_group(child.process.pid, signal.SIGKILL)
            child.process = None
        if now >= child.not_before:
            self._start(child)
            self._wait_until_ready(child)
            for other in self._children:
                if child.name in other.needs and other.process is not None:
                    _kill_group(other.process.pid, signal.SIGTERM)

    def _announce(self) -> None:
        self._home.announce(
            Endpoint(
                dispatcher=self._dispatcher_url,
                ray=f"127.0.0.1:{self._ray_port}",
                store=str(store_url.parse(self._home.store_url())),
                pid=os.getpid(),
                started=time.time(),
            )
        )
        log.info("ready", dispatcher=self._dispatcher_url)

    def _write_children(self) -> None:
        running = [child.process.pid for child in self._children if child.process is not None]
        facts = [
            {"pid": pid, "created": psutil.Process(pid).create_time()} for pid in running if psutil.pid_exists(pid)
        ]
        write_secret(self._home.children, json.dumps(facts))

    def _take_down(self) -> None:
        for child in reversed(self._children):
            if child.process is not None:
                log.info("stopping", child=child.name)
                _end_group(child.process)
        self._home.children.unlink(missing_ok=True)


def end_leftovers(children: Path) -> None:
    """End what a supervisor that was killed left running; a pid that has been given to somebody else is let be."""
    if not children.exists():
        return
    for fact in json.loads(children.read_text()):
        try:
            process = psutil.Process(fact["pid"])
            if abs(process.create_time() - fact["created"]) > 1.0:
                continue
            family = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        log.warning("ending a stale process", pid=process.pid)
        for one in family:
            if one.is_running():
                one.kill()
        psutil.wait_procs(family, timeout=STOP_SECONDS)
    children.unlink()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        log.warning("killed, it did not stop", pid=process.pid)
    _kill_group(process.pid, signal.SIGKILL)
    process.wait()


def _kill_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        log.debug("already gone", pid=pid)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.settimeout(1.0)
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


def _short_temporary_folder(home: FarmHome) -> Path:
    """Ray's sockets live under it; their paths may be 107 characters at most, so a deep home cannot hold them."""
    short = Path("/tmp") / f"brandfarm-{os.getuid()}-{digest_of(str(home.root).encode())[:12]}"
    short.mkdir(mode=0o700, exist_ok=True)
    return short


def main() -> None:
    """Supervise a home until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="cluster.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cpus", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    home = FarmHome(given.home.resolve())
    home.prepare()
    home.token()
    supervisor = Supervisor(home, cpus=given.cpus, threads=given.threads)
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, supervisor.stop)
    try:
        supervisor.run()
    except FarmBusy as busy:
        raise SystemExit(f"{busy.message} {busy.hint}") from busy


if __name__ == "__main__":
    main()
