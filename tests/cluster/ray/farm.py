"""A farm for tests: a real dispatcher process over a real Ray cluster, asked over HTTP, and the check of its promise.

Its workers, its dispatcher and its store can be hurt; `Farm.check` says whether the promise was kept all the same.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from cluster.ports import JobReport, OwnerReport, Summary, WantedSet
from cluster.ray_head import free_ports
from jobs import publish
from jobs.ports import ObjectStore
from jobs.spec import Job
from tests.cluster.ray.nodes import ROOT, RayCluster, until

ENDED = ("done", "failed", "cancelled")


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
            "BRANDFARM_GROUPS": '{"cpu": {"max": 8, "min": 2}}',  # nobody hears what it asks for
        }
        self._wanted: dict[str, tuple[Job, ...]] = {}
        self.start_dispatcher()

    # The dispatcher

    def start_dispatcher(self) -> None:
        """Another dispatcher is in charge now; an older one may still be there."""
        (port,) = free_ports(1)
        environment = {**self._environment, "BRANDFARM_PORT": str(port)}
        with self.log.open("ab") as log:
            self.dispatcher = subprocess.Popen(
                [sys.executable, "-m", "cluster.main"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {self._token}"},
            trust_env=False,
            timeout=30,
        )
        until("the dispatcher is ready", self._is_ready)

    def restart_dispatcher(self) -> None:
        """A new dispatcher takes charge, and hears from every owner again, as from the controller."""
        self._http.close()
        self.start_dispatcher()
        for owner in self._wanted:
            self._state(owner)

    def stands(self) -> bool:
        """Whether its cluster does; a dispatcher that a test has left dead is made anew."""
        if not self.cluster.stands():
            return False
        if self.dispatcher.poll() is not None:
            self.restart_dispatcher()
        return True

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
        assert report.state not in ("failed", "cancelled"), report
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
        if self.cluster.stands():
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
