"""A farm for tests: a real dispatcher process over a real Ray cluster, asked over HTTP, and the check of its promise.

Its workers, its dispatcher and its store can be hurt; `Farm.check` says whether the promise was kept all the same.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from cluster.ports import JobReport, OwnerReport, Summary, WantedSet
from jobs import publish
from jobs.ports import ObjectStore
from jobs.spec import Job

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120.0
ENDED = ("done", "failed", "cancelled")
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
    """The cluster of host.py: its address, CPUs by node id, and a way to ask about its actors."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    address: str
    nodes: dict[str, float]

    def ask(self, *question: Any) -> Any:
        """One of host.py's questions with its arguments."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return _line(self.process)

    def leave(self) -> None:
        """Take the cluster down in good order; nothing of it may be left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)
        until("every process of the cluster has ended", lambda: not self.processes(), seconds=20)

    def processes(self) -> list[psutil.Process]:
        """Every process of the cluster that lives, however it was reparented."""
        return [one for one in psutil.process_iter() if _marked(one, self.environment["RAY_AUTH_TOKEN"])]


@contextmanager
def ray_cluster(folder: Path, nodes: int) -> Iterator[RayCluster]:
    """A cluster that leaves no process behind. folder: a short path, since Ray keeps sockets in it."""
    environment = {
        **os.environ,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "120",  # a busy machine needs more than Ray's half minute
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
    }
    with (folder / "host.log").open("w") as log:
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
    cluster = RayCluster(process, environment, "", {})
    try:
        said = _line(process)
        cluster.address, cluster.nodes = said["address"], said["nodes"]
        yield cluster
        cluster.leave()
    finally:
        for one in cluster.processes():
            one.kill()
        process.kill()
        with process:
            process.wait()


class Farm:
    """One farm: a namespace of workers on a cluster, a store, and a dispatcher that can die and come again."""

    def __init__(self, cluster: RayCluster, folder: Path, store_url: str, store: ObjectStore, workbench: str) -> None:
        self.cluster, self.store = cluster, store
        self.namespace = f"farm-{secrets.token_hex(4)}"
        self.log = folder / "dispatcher.log"
        self._token = secrets.token_hex(16)
        token_file = folder / "token"
        token_file.write_text(self._token)
        self._environment = {
            **cluster.environment,
            "BRANDFARM_HOME": str(folder),
            "BRANDFARM_STORE": store_url,
            "BRANDFARM_TOKEN_FILE": str(token_file),
            "BRANDFARM_RAY_ADDRESS": cluster.address,
            "BRANDFARM_RAY_NAMESPACE": self.namespace,
            "BRANDFARM_WORKBENCH": workbench,
            "BRANDFARM_BATCH": "4",
        }
        self._wanted: dict[str, tuple[Job, ...]] = {}
        self.dispatcher = self.start_dispatcher()

    # The dispatcher

    def start_dispatcher(self) -> subprocess.Popen[bytes]:
        """A dispatcher that is in charge; an older one may still be there."""
        port = _free_port()
        environment = {**self._environment, "BRANDFARM_PORT": str(port)}
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "cluster.main"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        self.dispatcher = started
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {self._token}"},
            trust_env=False,
            timeout=30,
        )
        until("the dispatcher is ready", self._is_ready)
        return started

    def restart_dispatcher(self) -> None:
        """A new dispatcher takes charge, and hears from every owner again, as from the controller."""
        self._http.close()
        self.start_dispatcher()
        for owner in self._wanted:
            self._state(owner)

    def _is_ready(self) -> bool:
        assert self.dispatcher.poll() is None, f"the dispatcher ended: {self.log.read_text()[-3000:]}"
        try:
            return bool(self._http.get("/readyz").is_success)
        except httpx.TransportError:
            return False

    # What owners and people ask

    def want(self, owner: str, *jobs: Job) -> OwnerReport:
        """An owner states all that it wants."""
        self._wanted[owner] = jobs
        return self._state(owner)

    def _state(self, owner: str) -> OwnerReport:
        body = WantedSet(jobs=self._wanted[owner]).model_dump_json()
        answer = self._http.put(f"/v1/owners/{owner}/jobs", content=body, headers={"Content-Type": "application/json"})
        return OwnerReport.model_validate_json(answer.raise_for_status().content)

    def report(self, job: Job) -> JobReport:
        """Where a job stands."""
        return JobReport.model_validate_json(self._http.get(f"/v1/jobs/{job.id}").raise_for_status().content)

    def summary(self) -> Summary:
        """The farm at a glance."""
        return Summary.model_validate_json(self._http.get("/v1/summary").raise_for_status().content)

    def workers(self) -> dict[str, int]:
        """The process id of every worker, by name."""
        pids: dict[str, int] = self.cluster.ask("workers", self.namespace)
        return pids

    def until_manned(self) -> dict[str, int]:
        """Waits until the worker of every node has opened its workbench; the process id of each, by name."""
        nodes = sum(cpus > 0 for cpus in self.cluster.nodes.values())
        until("every node has a worker", lambda: len(self.summary().workers) == nodes)
        for worker in self.summary().workers:
            until(f"{worker.name} has room", lambda name=worker.name: self.has_room(name))
        return self.workers()

    def has_room(self, worker: str) -> bool:
        """Whether a worker is known here, and has opened its workbench."""
        if worker not in {one.name for one in self.summary().workers}:
            return False
        answer = self.cluster.ask("greet", self.namespace, worker, self.summary().epoch)
        return "value" in answer and answer["value"]["offer"]["train_rows"] > 0

    def until_at_step(self, job: Job, step: int) -> JobReport:
        """Waits until a job has come to a step."""
        return until(f"{job.id[:8]} is at step {step}", lambda: self._at_step(job, step))

    def _at_step(self, job: Job, step: int) -> JobReport | None:
        report = self.report(job)
        return report if report.done >= step else None

    def until_ended(self, *jobs: Job) -> list[JobReport]:
        """Waits until each of these has come to its end."""

        def look() -> list[JobReport]:
            reports = [self.report(job) for job in jobs]
            return reports if all(report.state in ENDED for report in reports) else []

        return until(f"{len(jobs)} jobs have ended", look)

    # The promise

    def check(self, *jobs: Job) -> None:
        """The promise: each wanted job ended in one record that is whole, and no worker is stuck with anything."""
        reports = self.until_ended(*jobs)
        assert [report.state for report in reports] == ["done"] * len(jobs), reports
        for job in jobs:
            assert list(self.store.list(job.record_key)) == [job.record_key]
            record = publish.read(self.store, job.record_key)
            assert record is not None
            for digest in _digests(record):
                self.store.get(f"cas/sha256/{digest[:2]}/{digest}")  # raises where it is missing, or not what was named
        until("the workers have let go of everything", self._is_at_rest)

    def _is_at_rest(self) -> bool:
        summary = self.summary()
        return summary.leased == summary.waiting == 0 and not any(worker.jobs for worker in summary.workers)

    def close(self) -> None:
        """End the dispatcher and, for good, the workers."""
        self._http.close()
        self.dispatcher.kill()
        self.dispatcher.wait()
        self.cluster.ask("dismiss", self.namespace)


def freeze(pid: int) -> None:
    """A process that is there, and does nothing."""
    os.kill(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


BLOBS = ("result", "adapter", "losses", "samples", "set_aside", "pictures")
"""The fields of records that name blobs."""


def _digests(record: dict[str, Any]) -> list[str]:
    return [record[field] for field in BLOBS if record.get(field)]


def _line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the cluster's host ended with {process.wait()}"
    return json.loads(line)


def _marked(process: psutil.Process, token: str) -> bool:
    try:
        return process.environ().get("RAY_AUTH_TOKEN") == token and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
