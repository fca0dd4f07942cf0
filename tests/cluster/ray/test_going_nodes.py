"""Nodes that come and go on a real Ray cluster: what a node's workers hold goes on elsewhere, where it was, and nothing is charged."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cluster import departure
from jobs import keys
from tests.cluster.ray.nodes import ROOT, until
from tests.cluster.ray.test_farm_under_faults import attempts_by_step, chunk, training

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.timeout(900)]

PATIENT = 150


def require_uncharged(farm, job):
    """It was done in two attempts, no step twice, and neither is told of as a failure."""
    farm.check(job)
    steps = attempts_by_step(farm, job)
    assert steps == [[1]] * steps.count([1]) + [[2]] * steps.count([2])
    assert steps.count([1]) >= 2
    assert steps.count([2]) >= 1
    assert not list(farm.store.list(keys.failures(job.id)))


def test_what_a_node_holds_that_ray_drains_goes_on_elsewhere_and_its_worker_ends(farm):
    farm.until_manned()
    node = farm.cluster.ask("join")
    name = f"worker-{node[:8]}-0"
    until("it has a worker", lambda: farm.has_room(name))
    jobs = [chunk(PATIENT) for _ in range(6)]  # a worker takes two
    farm.want("drained", *jobs)
    until("it has work", lambda: any(farm.report(job).worker == name and farm.report(job).done >= 2 for job in jobs))
    held = [job for job in jobs if farm.report(job).worker == name]
    assert farm.cluster.ask("drain", node, 300.0)
    until("its worker has ended", lambda: name not in {one.name for one in farm.summary().workers})
    farm.cluster.ask("lose", node)
    farm.check(*jobs)
    require_uncharged(farm, held[0])


def test_a_pod_that_is_told_to_stop_hands_its_work_back_before_it_goes(farm):
    farm.until_manned()
    job = training(PATIENT)
    farm.want("told", job)
    first = farm.until_at_step(job, 2)
    hook = told_to_stop(farm.workers()[first.worker])
    assert hook.returncode == 0, hook.stderr
    assert '"event": "drained"' in hook.stderr
    second = until("another took it", lambda: report if (report := farm.report(job)).attempt == 2 else None)
    assert second.worker != first.worker
    os.kill(farm.workers()[first.worker], 9)  # as its pod does; Ray makes a new one here, for the tests after this one
    require_uncharged(farm, job)


def told_to_stop(pid: int) -> subprocess.CompletedProcess[str]:
    """The pod's hook, where the door of one worker is alone: nodes on one machine share a folder of doors, pods do not."""
    with tempfile.TemporaryDirectory(prefix="bfd", dir="/tmp") as place:
        Path(place, f"{pid}.sock").symlink_to(departure.folder() / f"{pid}.sock")
        return subprocess.run(
            [sys.executable, "-m", "cluster.drain", "--within", "60"],
            env={**os.environ, departure.FOLDER: place, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )


def test_where_no_autoscaler_runs_a_wish_harms_nobody(farm):
    farm.until_manned()
    jobs = [chunk(12) for _ in range(40)]  # more than two workers should begin within ten minutes
    begin = farm.log.stat().st_size
    farm.want("wished", *jobs)
    until("more are asked for", lambda: b'"missing": ["cpu"]' in farm.log.read_bytes()[begin:])
    farm.want("wished", *jobs[:4])
    farm.check(*jobs[:4])
    assert b"could not be asked" not in farm.log.read_bytes()[begin:]
