"""What is done to a farm on Kubernetes: each is a deed of a cluster's bad night, and returns once the farm is itself again."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

from tests.tools.cluster import nodes, places
from tests.whole.site import PLAIN, WORKERS, Site, until

CONTROLLER = "app.kubernetes.io/component=controller"
HEAD, WORKER = "ray.io/node-type=head", "ray.io/node-type=worker"
MINIO = "app.kubernetes.io/component=minio"
FROZEN_SECONDS = 45
"""Longer than a lease lasts, and than Kubernetes waits before it calls a node lost."""
BACK_SECONDS = 240


def kill_controller(site: Site) -> None:
    """Its process is killed and its pod is gone, without a goodbye; returns once another holds the lease."""
    before = _holder(site)
    for process in nodes.of(site.cluster.place, places.node(PLAIN)):
        with suppress(psutil.NoSuchProcess):
            if "operators.main" in process.cmdline():
                process.kill()
    site.of_farm("delete", "pod", f"--selector={CONTROLLER}", "--grace-period=0", "--force")
    until("another controller is in charge", lambda: _holder(site) not in ("", before), BACK_SECONDS)


def delete_worker(site: Site) -> None:
    """A Ray worker's pod is deleted in the ordinary way: it writes checkpoints first."""
    before = _uids(site.pods(WORKER))
    gone = site.ready_pods(WORKER)[0]["metadata"]["name"]
    site.of_farm("delete", "pod", gone, "--wait=false")
    until("a new worker is ready", lambda: _uids(site.ready_pods(WORKER)) - before, BACK_SECONDS)


def freeze_workers_node(site: Site) -> None:
    """The node with the workers stands still, and goes on as if nothing had been."""
    site.cluster.freeze(WORKERS)
    time.sleep(FROZEN_SECONDS)
    site.cluster.thaw(WORKERS)
    until("the node is ready again", lambda: _is_node_ready(site), BACK_SECONDS)
    until("a worker is ready again", lambda: site.ready_pods(WORKER), BACK_SECONDS)


def kill_head(site: Site) -> None:
    """Ray's head and the dispatcher beside it: the whole queue in memory is gone."""
    _kill(site, HEAD)


def restart_store(site: Site) -> None:
    """MinIO's pod; its volume stays."""
    _kill(site, MINIO)


ALL = {
    "worker-deleted": delete_worker,
    "node-frozen": freeze_workers_node,
    "head-killed": kill_head,
    "store-restarted": restart_store,
}
"""By the name of the campaign that is at work meanwhile."""


def _kill(site: Site, label: str) -> None:
    before = _uids(site.pods(label))
    site.of_farm("delete", "pod", f"--selector={label}", "--grace-period=0", "--force")
    until(f"{label} is ready again", lambda: _uids(site.ready_pods(label)) - before, BACK_SECONDS)


def _uids(pods: list[dict[str, dict[str, str]]]) -> set[str]:
    """A StatefulSet's pod has the same name again: its uid tells them apart."""
    return {pod["metadata"]["uid"] for pod in pods}


def _holder(site: Site) -> str:
    wanted = "--output=jsonpath={.spec.holderIdentity}"
    return site.of_farm("get", "lease", "brandfarm-controller", wanted).strip()


def _is_node_ready(site: Site) -> bool:
    return nodes.is_ready(site.cluster.place, places.node(WORKERS))
