"""What is done to a farm on Kubernetes: each is a deed of a cluster's bad night, and returns once the farm is itself again."""

from __future__ import annotations

import json
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
BACK_SECONDS = 480


def kill_controller(site: Site) -> None:
    """Its process is killed without a goodbye; returns once the one that its pod starts anew is in charge."""
    before = _lease(site)
    _kill_controllers_process(site)
    until("the controller is in charge again", lambda: _lease(site)[1] > before[1], BACK_SECONDS)


def lose_controller(site: Site) -> None:
    """Its pod goes with it: another waits until the lease has run out."""
    before = _lease(site)
    _kill_controllers_process(site)
    site.of_farm("delete", "pod", f"--selector={CONTROLLER}", "--grace-period=0", "--force")
    until("another controller is in charge", lambda: _lease(site)[0] not in ("", before[0]), BACK_SECONDS)


def delete_worker(site: Site) -> None:
    """A Ray worker's pod is deleted in the ordinary way: it writes checkpoints first."""
    before = _uids(site.pods(WORKER))
    gone = until("a worker is ready", lambda: site.ready_pods(WORKER), BACK_SECONDS)[0]["metadata"]["name"]
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
    """Ray's head and the dispatcher beside it: the whole queue in memory is gone. It is not waited for: the old may overlap the new."""
    _delete(site, HEAD, "--grace-period=0", "--force")


def restart_store(site: Site) -> None:
    """MinIO's pod; its volume stays, and no second server opens it before the first has ended."""
    _delete(site, MINIO)


ALL = {
    "worker-deleted": delete_worker,
    "node-frozen": freeze_workers_node,
    "head-killed": kill_head,
    "store-restarted": restart_store,
}
"""By the name of the campaign that is at work meanwhile."""


def _delete(site: Site, label: str, *how: str) -> None:
    before = _uids(site.pods(label))
    site.of_farm("delete", "pod", f"--selector={label}", *how)
    until(f"{label} is ready again", lambda: _uids(site.ready_pods(label)) - before, BACK_SECONDS)


def _uids(pods: list[dict[str, dict[str, str]]]) -> set[str]:
    """A StatefulSet's pod has the same name again: its uid tells them apart."""
    return {pod["metadata"]["uid"] for pod in pods}


def _kill_controllers_process(site: Site) -> None:
    for process in nodes.of(site.cluster.place, places.node(PLAIN)):
        with suppress(psutil.NoSuchProcess):
            if "operators.main" in process.cmdline():
                process.kill()


def _lease(site: Site) -> tuple[str, int]:
    """Who holds it, and how often it has changed hands."""
    spec = json.loads(site.of_farm("get", "lease", "brandfarm-controller", "--output=json"))["spec"]
    return spec.get("holderIdentity") or "", spec.get("leaseTransitions", 0)


def _is_node_ready(site: Site) -> bool:
    return nodes.is_ready(site.cluster.place, places.node(WORKERS))
