"""The small process that `brandfarm up` leaves behind: starts Ray's head, dispatcher and controller, restarts what dies.

It holds the lock that answers "two farms on one home", and ends what a crashed one left. `python -m cluster.supervisor --home DIR`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import httpx
import structlog

from cluster import logs, ray_head, store_url, stores
from cluster.children import Child, end_leftovers
from cluster.farm_home import Endpoint, FarmHome, write_secret
from jobs import keys
from jobs.errors import FarmBusy, FarmError
from jobs.identity import digest_of

READY_SECONDS = 120.0
STARTS = 2  # a part that dies or is silent while it starts gets a second try: the first has warmed the machine
LOCK_SECONDS = 5.0  # whoever looks whether a farm runs takes its lock for a moment
LOOK_EVERY_SECONDS = 0.1  # a look costs microseconds, and a dead dispatcher has seconds to be back
LONGEST_BACK_OFF_SECONDS = 30.0
SPARE = "--when-told"
SPARE_REST_SECONDS = 5.0  # between two spares that die of themselves: what they need is not there yet
WARM_SECONDS = 10.0  # a spare of that age has imported and joined all that it needs
STEADY_SECONDS = 60.0  # a child that has lived so long starts again at once when it dies

WAITED_FOR = {
    "ray": "its node to register",
    "dispatcher": "it to take charge and answer",
    "controller": "its process",
}

log = structlog.get_logger("supervisor")


class Supervisor:
    """Holds a home, keeps its children alive, and takes them down again."""

    def __init__(self, home: FarmHome, *, cpus: int, threads: int) -> None:
        self._home = home
        self._stopping = threading.Event()
        self._ray_port, self._api_port = ray_head.free_ports(2)
        self._ray_folder = _short_temporary_folder(home) / "r"  # Ray opens this one to everybody, not the one above
        self._children = self._plan(cpus, threads)

    def run(self) -> None:
        """Start everything, say so, and watch until told to stop. Raises FarmBusy where the home is held."""
        self._hold()
        try:
            end_leftovers(self._home.children)
            self._require_store()
            self._empty_temporary_folder()
            for child in self._children:
                self._start(child)
                self._require_ready(child)
            if not self._stopping.is_set():
                self._announce()
            while not self._stopping.wait(LOOK_EVERY_SECONDS):
                self._keep_spares()
                self._look()
        finally:
            self._home.withdraw()
            self._take_down()

    def stop(self, *_signal: object) -> None:
        """Take the farm down at the next look."""
        self._stopping.set()

    def _empty_temporary_folder(self) -> None:
        """Ray's files of the last run go; those of this run, workers' logs among them, are found beside the other logs."""
        shutil.rmtree(self._ray_folder.parent)
        _short_temporary_folder(self._home)
        link = self._home.logs / "workers"
        link.unlink(missing_ok=True)
        link.symlink_to(self._ray_folder / "session_latest" / "logs")

    def _require_store(self) -> None:
        """Raises StoreError. Without its store no child would become ready, and a person would read of a dispatcher instead."""
        for _ in stores.open_of_home(self._home).list(keys.EPOCHS):
            break

    def _hold(self) -> None:
        """Until this process has ended: whoever finds the home free finds nothing of us that still runs."""
        self._home.prepare()
        lock = os.open(self._home.lock, os.O_RDWR | os.O_CREAT, 0o666)  # no file object: Python would close that early
        given_up = time.monotonic() + LOCK_SECONDS
        while not _is_taken(lock):
            if time.monotonic() > given_up:
                raise FarmBusy(
                    f"Another farm holds {self._home.root}.",
                    hint="Use it as it is (`brandfarm status`), stop it with `brandfarm down`, or choose another --home.",
                )
            time.sleep(0.05)

    def _plan(self, cpus: int, threads: int) -> list[Child]:
        home, token = self._home, self._home.token()
        ray_address = f"127.0.0.1:{self._ray_port}"
        environment = {
            **os.environ,
            **ray_head.environment(token=token, folder=self._ray_folder),
            "RAY_raylet_start_wait_time_s": f"{READY_SECONDS:.0f}",  # Ray's half minute is too short on a busy laptop
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
        ray = ray_head.command(port=self._ray_port, cpus=cpus, folder=self._ray_folder)
        dispatcher = [sys.executable, "-m", "cluster.main"]
        return [
            Child(
                "ray",
                ray,
                environment,
                farewell=signal.SIGKILL,  # it keeps nothing, and `ray start --block` is deaf
                fresh=lambda: ray_head.begin(self._ray_folder),
                log=home.logs / "workers" / "raylet.err",
            ),
            Child("dispatcher", dispatcher, environment, farewell=signal.SIGUSR1, needs=("ray",), keeps_spare=True),
            Child("controller", [sys.executable, "-m", "operators.main"], environment),
        ]

    @property
    def _dispatcher_url(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    def _start(self, child: Child) -> None:
        was_warm = child.spare_age() > WARM_SECONDS
        spare = child.take_spare()
        child.process = spare or self._spawned(child, child.fresh(), subprocess.DEVNULL)
        child.started = time.monotonic()
        log.info("started", child=child.name, pid=child.process.pid)
        self._write_children()
        if spare is not None and was_warm:  # the next at once: who dies as it starts is as dead as any other
            self._keep_spares()  # but never beside one that starts cold: they would take each other's time

    def _spawned(self, child: Child, more: list[str], stdin: int) -> subprocess.Popen[bytes]:
        with self._log_of(child).open("ab") as out:
            return subprocess.Popen(
                [*child.command, *more],
                env=child.environment,
                stdin=stdin,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd=self._home.root,
            )

    def _keep_spares(self) -> None:
        """Importing and joining Ray take seconds of the time in which a dead child should be back; that is done beforehand."""
        for child in self._children:
            if child.keeps_spare and child.is_alive() and child.lacks_spare(SPARE_REST_SECONDS):
                child.keep_spare(self._spawned(child, [SPARE], subprocess.PIPE))
                log.info("spare started", child=child.name, pid=child.spare.pid if child.spare else 0)
                self._write_children()

    def _log_of(self, child: Child) -> Path:
        return self._home.logs / f"{child.name}.log"

    def _require_ready(self, child: Child) -> None:
        """Raises SystemExit where a child does not come up: a farm that cannot start does not stay half started."""
        for go in range(1, STARTS + 1):
            if self._became_ready(child) or self._stopping.is_set():
                return
            tale = self._tale(child)
            if go < STARTS:
                log.warning(f"{child.name} is slow to start; try {go + 1} of {STARTS}", found=tale)
                self._start_again(child)
        raise SystemExit(
            f"{child.name} did not start in {STARTS} tries: {tale}; see {child.log or self._log_of(child)}"
        )

    def _tale(self, child: Child) -> str:
        """How a start that failed has ended, and how long it was waited for."""
        waited = f"{time.monotonic() - child.started:.0f} s for {WAITED_FOR[child.name]}"
        if child.process is None or child.is_alive():
            return f"waited {waited}"
        return f"it ended with code {child.process.returncode} after {waited}"

    def _start_again(self, child: Child) -> None:
        """A child, and before it those that it needs and that have died meanwhile."""
        child.drop()
        for one in (*self._needed_by(child), child):
            if not one.is_alive():
                one.drop()
                self._start(one)
                if one is not child:
                    self._became_ready(one)

    def _became_ready(self, child: Child) -> bool:
        ready: dict[str, Callable[[], bool]] = {
            "ray": self._ray_is_up,
            "dispatcher": lambda: _is_healthy(self._dispatcher_url),
        }
        check = ready.get(child.name, lambda: True)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and child.is_alive() and not self._stopping.is_set():
            if check():
                return True
            time.sleep(0.1)
        return False

    def _ray_is_up(self) -> bool:
        ray_head.answer_for_agents(self._ray_folder)
        return ray_head.is_up(self._ray_folder)

    def _look(self) -> None:
        for child in self._children:
            if not child.is_alive():
                self._bury(child)
                self._revive(child)

    def _bury(self, child: Child) -> None:
        """Note a death once, and end what cannot live without the dead one: its session, and the children that need it."""
        if child.process is None:
            return
        now = time.monotonic()
        child.deaths = 1 if now - child.started > STEADY_SECONDS else child.deaths + 1
        wait = 0.0 if child.deaths == 1 else min(LONGEST_BACK_OFF_SECONDS, 0.25 * 2**child.deaths)
        child.not_before = now + wait
        log.warning("died", child=child.name, code=child.process.returncode, again_in_seconds=wait)
        child.drop()
        for other in self._children:
            if child.name in other.needs:
                other.drop()
                other.dismiss_spare()  # it had joined what is dead

    def _revive(self, child: Child) -> None:
        if time.monotonic() < child.not_before or not all(one.is_alive() for one in self._needed_by(child)):
            return
        self._start(child)
        if not self._became_ready(child):
            log.warning("not ready yet", child=child.name)

    def _needed_by(self, child: Child) -> list[Child]:
        return [other for other in self._children if other.name in child.needs]

    def _announce(self) -> None:
        self._home.announce(
            Endpoint(
                dispatcher=self._dispatcher_url,
                ray=f"127.0.0.1:{self._ray_port}",
                store=str(store_url.parse(self._home.store_url())),
                pid=os.getpid(),
                started=time.time(),
                version=metadata.version("brandfarm"),
            )
        )
        log.info("ready", dispatcher=self._dispatcher_url)

    def _write_children(self) -> None:
        """Who leads the sessions of this farm, for a supervisor after this one."""
        processes = [child.process for child in self._children] + [child.spare for child in self._children]
        leaders = [process.pid for process in processes if process is not None]
        write_secret(self._home.children, json.dumps(leaders))

    def _take_down(self) -> None:
        for child in reversed(self._children):
            log.info("stopping", child=child.name)
            child.end()
        self._home.children.unlink(missing_ok=True)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False


def _is_taken(lock: int) -> bool:
    """Whether the lock is ours now; it is not where another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _short_temporary_folder(home: FarmHome) -> Path:
    """Ray's sockets live under it, for this user alone; their paths may be 107 characters at most, so a deep home cannot hold them."""
    short = Path("/tmp") / f"brandfarm-{os.getuid()}-{digest_of(str(home.root).encode())[:12]}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.is_symlink() or short.stat().st_uid != os.getuid():
        raise FarmError(f"{short} belongs to somebody else.", hint="Let its owner remove it, or choose another --home.")
    return short


def main() -> None:
    """Supervise a home until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="cluster.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cpus", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    logs.to_stderr_as_json("supervisor")
    home = FarmHome(given.home.resolve())
    home.prepare()
    home.token()
    try:
        supervisor = Supervisor(home, cpus=given.cpus, threads=given.threads)
        signal.signal(signal.SIGTERM, supervisor.stop)
        signal.signal(signal.SIGINT, supervisor.stop)
        supervisor.run()
    except FarmError as error:
        raise SystemExit(f"{error.message} {error.hint}") from error


if __name__ == "__main__":
    main()
