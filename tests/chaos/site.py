"""A whole farm to be hurt: MinIO behind a door, Ray with several nodes, dispatcher and controller under the real supervisor.

It stays up over many runs; what is hurt comes back by itself, as it would for a studio. Knows no scenario.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from cli.local_farm import LocalFarm
from cluster import stores
from cluster.children import Child
from cluster.farm_home import FarmHome, write_secret
from cluster.ports import Summary
from cluster.supervisor import Supervisor
from jobs import failpoints
from tests.chaos.skewed import CLOCK
from tests.cluster.ray.nodes import ROOT, RayCluster, ray_cluster, until
from tests.store import proxy
from tests.tools import minio

NODES = 2
SHOTS_PER_CHUNK = 4
DISK = "192m"
"""Of the small disk below MinIO, which can be filled; only root can make one."""


class Keeper(Supervisor):
    """The supervisor of `brandfarm up`, in a thread; over a cluster of several nodes that stands, or with a Ray head of its own."""

    def __init__(self, home: FarmHome, surroundings: dict[str, str], *, has_head: bool) -> None:
        self._surroundings, self._has_head = surroundings, has_head
        super().__init__(home, cpus=2, threads=1)

    def _plan(self, cpus: int, threads: int) -> list[Child]:
        children = super()._plan(cpus, threads)
        for child in children:
            child.environment = {**child.environment, **self._surroundings}
            if child.command[1] == "-m":
                child.command = [sys.executable, "-m", "tests.chaos.skewed", child.command[2]]
        if self._has_head:
            return children
        return [
            Child(child.name, child.command, child.environment, keeps_spare=child.keeps_spare)
            for child in children
            if child.name != "ray"
        ]

    @property
    def url(self) -> str:
        """The dispatcher's."""
        return self._dispatcher_url

    def child(self, name: str) -> Child:
        """One of ray, dispatcher, controller."""
        return next(child for child in self._children if child.name == name)

    def forgive(self) -> None:
        """Deaths of earlier runs do not delay a restart in the next."""
        for child in self._children:
            child.deaths = 0


class Site:
    """The farm and its surroundings. Open it with `open_site`."""

    def __init__(
        self,
        home: FarmHome,
        cluster: RayCluster | None,
        server: minio.MinioServer,
        door: proxy.Proxy,
        disk: Path | None,
    ) -> None:
        self.home, self.cluster, self.server, self.door, self.disk = home, cluster, server, door, disk
        self.runs = 0
        self.nodes = NODES if cluster is not None else 1
        self.store = stores.open_store(server.url_with_credentials("farm"))
        self.farm = LocalFarm(home.root)
        self._clock = home.root / "clock"
        self.shift_clock(0)
        self._keeper = Keeper(home, self._surroundings(), has_head=cluster is None)
        self._thread = threading.Thread(target=self._keeper.run, daemon=True)
        self._thread.start()
        until("the farm is up", self._is_up, seconds=180)
        self.http = httpx.Client(
            base_url=self._keeper.url, headers={"Authorization": f"Bearer {home.token()}"}, trust_env=False, timeout=5
        )

    def _is_up(self) -> bool:
        assert self._thread.is_alive(), f"the supervisor ended; look into {self.home.logs}"
        return self.home.endpoint_file.exists()

    def _surroundings(self) -> dict[str, str]:
        ours = {
            "PYTHONPATH": str(ROOT),
            CLOCK: str(self._clock),
            "BRANDFARM_WORKBENCH": "tests.chaos.bench:open_bench",
            "BRANDFARM_CHUNK": str(SHOTS_PER_CHUNK),
        }
        if self.cluster is None:
            return ours
        return {**self.cluster.environment, **ours, "BRANDFARM_RAY_ADDRESS": self.cluster.address}

    def close(self) -> None:
        """Take the farm down."""
        self._keeper.stop()
        self._thread.join()
        self.http.close()

    # What can be seen.

    def summary(self) -> Summary:
        """The farm at a glance. Raises httpx.HTTPError while there is no dispatcher."""
        return Summary.model_validate_json(self.http.get("/v1/summary").raise_for_status().content)

    def pid(self, child: str) -> int:
        """The process of one of ray, dispatcher, controller; 0 while there is none."""
        process = self._keeper.child(child).process
        return process.pid if process is not None and process.poll() is None else 0

    def living_pid(self, child: str) -> int:
        """The same, once there is one: a signal to process 0 would reach ourselves."""
        return until(f"there is a {child}", lambda: self.pid(child))

    def workers(self) -> dict[str, int]:
        """By name, the process of every worker that answers. Only where Ray has several nodes."""
        assert self.cluster is not None
        pids: dict[str, int] = self.cluster.ask("workers", "brandfarm")
        return pids

    def is_ready(self) -> bool:
        """Whether the dispatcher is in charge, and there is a worker on every node."""
        with suppress(httpx.HTTPError):
            return self.http.get("/readyz").is_success and self.is_manned(self.summary())
        return False

    def is_manned(self, seen: Summary) -> bool:
        """Whether the worker of every node answers."""
        return len(seen.workers) == self.nodes and all(worker.alive for worker in seen.workers)

    def ledger(self, run: str) -> Path:
        """The folder in which the failpoints of a run tell what has happened."""
        return self.home.root / "ledgers" / run

    # What can be done to it.

    def arm(self, child: str, plan: str, seed: int, ledger: Path) -> None:
        """A child lives on as a process in which a plan is armed; nothing is, where the plan is empty."""
        self.load(child, plan, seed, ledger)
        self.restart(child)

    def load(self, child: str, plan: str, seed: int, ledger: Path) -> None:
        """The next process of a child, its spare if it keeps one, will have a plan armed."""
        told = {failpoints.PLAN: plan, failpoints.SEED: str(seed), failpoints.LEDGER: str(ledger)}
        self._keeper.child(child).environment.update(told)
        if self._keeper.child(child).keeps_spare:
            self._keeper.child(child).dismiss_spare()  # it was started without the plan
            until("there is a spare with the plan", self.has_spare)

    def has_spare(self) -> bool:
        """Whether another dispatcher waits, all imported, as it does on any farm that is some seconds old."""
        spare = self._keeper.child("dispatcher").spare
        told = (self.home.logs / "dispatcher.log").read_text().splitlines()
        return spare is not None and any("spare is ready" in line and f'"pid": {spare.pid}' in line for line in told)

    def is_armed(self, child: str) -> bool:
        """Whether it was started with a plan."""
        return bool(self._keeper.child(child).environment.get(failpoints.PLAN))

    def restart(self, child: str) -> None:
        """A new process of a child, and the old one's death is nobody's fault."""
        old = self.living_pid(child)
        self._keeper.forgive()
        os.kill(old, signal.SIGKILL)
        until(f"there is another {child}", lambda: self.pid(child) not in (0, old))
        self._keeper.forgive()

    def forgive(self) -> None:
        """Deaths of earlier runs do not delay a restart in the next."""
        self._keeper.forgive()

    def shift_clock(self, seconds: float) -> None:
        """Dispatcher and controller see a wall clock that is off by so much."""
        write_secret(self._clock, str(seconds))

    def fill_disk(self) -> None:
        """No byte more can be written below MinIO; where it has no disk of its own, the door says so."""
        if self.disk is None:
            self.door.is_full = True
            return
        with (self.disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(1 << 16))

    def free_disk(self) -> None:
        """There is room again."""
        self.door.is_full = False
        if self.disk is not None:
            (self.disk / "ballast").unlink(missing_ok=True)

    def kill_head(self) -> None:
        """The process that Ray's cluster cannot live without dies."""
        session = self.pid("ray")
        for one in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if os.getsid(one.pid) == session and "gcs_server" in one.name():
                    one.kill()


@contextmanager
def open_site(*, has_head: bool = False) -> Iterator[Site]:
    """A farm that leaves nothing behind. has_head: Ray is a child of the supervisor, one node, as on a laptop."""
    folder = Path(tempfile.mkdtemp(prefix="bfc", dir="/tmp"))  # Ray's sockets need a short path
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        objects = folder / "minio" / "objects"
        objects.mkdir(parents=True)
        disk = objects if stack.enter_context(_small_disk(objects)) else None
        server = stack.enter_context(minio.running(folder / "minio"))
        door = stack.enter_context(proxy.in_front_of(server.endpoint))
        (folder / "ray").mkdir()
        cluster = None if has_head else stack.enter_context(ray_cluster(folder / "ray", NODES))
        home = FarmHome(folder / "home")
        home.prepare()
        write_secret(home.secret_store, server.url_with_credentials("farm").replace(server.endpoint, door.endpoint))
        site = Site(home, cluster, server, door, disk)
        stack.callback(site.close)
        until("there are workers", site.is_ready)
        yield site


@contextmanager
def _small_disk(at: Path) -> Iterator[bool]:
    """Whether a file system of its own could be mounted there."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", at], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", at], check=True)


def wait(seconds: float) -> None:
    """A fault lasts; the farm is real, so there is no clock to turn."""
    time.sleep(seconds)
