"""A real Ray cluster of several nodes on this machine, in a process of its own: `python -m tests.cluster.ray.host NODES`.

Ray's head has no CPUs; each node has one. It says where it is, answers questions about its actors, one JSON line each, and
takes everything down when its standard input closes. Token mode throughout, as on a farm.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any

import ray
import ray.exceptions
import ray.util
from ray.cluster_utils import Cluster
from ray.core.generated import autoscaler_pb2

PREEMPTION = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
STORE_BYTES = 80 * 1024 * 1024  # Ray's object store, which nothing here uses; its floor is 75 MiB


def main() -> None:
    assert os.environ["RAY_AUTH_MODE"] == "token"
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray prints too; what it says goes to the log

    def say(answer: Any) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES},
    )
    for _ in range(int(sys.argv[1])):
        add_node(cluster)
    ray.init(address=cluster.address, namespace="host", log_to_driver=False)
    say({"address": cluster.address, "nodes": nodes()})
    added: dict[str, Any] = {}

    def join() -> str:
        node = add_node(cluster)
        added[node.node_id] = node
        return str(node.node_id)

    def drain(node: str, seconds: float) -> bool:
        """Ray is told that a node is to go, as it is by a node that gets SIGTERM; whether it took notice."""
        deadline = int((time.time() + seconds) * 1000)
        client = ray._private.worker.global_worker.gcs_client
        told, _ = client.drain_node(node, PREEMPTION, "the node is to go", deadline)
        return bool(told)

    def lose(node: str) -> bool:
        """The node's processes are killed, as when its machine is lost."""
        return bool(cluster.remove_node(added.pop(node), allow_graceful=False))

    asked_of_all = {"alive": alive, "workers": workers, "dismiss": dismiss, "greet": greet}
    questions = {**asked_of_all, "join": join, "lose": lose, "drain": drain}
    for line in sys.stdin:
        question, *arguments = json.loads(line)
        say(questions[question](*arguments))
    ray.shutdown()
    cluster.shutdown()


GONE = (ray.exceptions.RayActorError, ValueError)
"""What Ray says of an actor that has died, and of one that has lost its name since it was listed."""


def add_node(cluster: Cluster) -> Any:
    """One more node with one CPU."""
    return cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=STORE_BYTES)


def nodes() -> dict[str, float]:
    """By node id, its CPUs."""
    return {node["NodeID"]: node["Resources"].get("CPU", 0) for node in ray.nodes()}


def alive() -> list[str]:
    """The ids of the nodes that live."""
    return [node["NodeID"] for node in ray.nodes() if node["Alive"]]


def workers(namespace: str) -> dict[str, int]:
    """By name, the process id of every worker that answers; one that has just died is not there for a while."""
    pids: dict[str, int] = {}
    for name in named(namespace):
        with contextlib.suppress(*GONE):
            pids[name] = ray.get(ray.get_actor(name, namespace=namespace).pid.remote(), timeout=60)
    return pids


def dismiss(namespace: str) -> int:
    """End every worker of a farm for good; how many there were."""
    there = named(namespace)
    for name in there:
        with contextlib.suppress(*GONE):
            ray.kill(ray.get_actor(name, namespace=namespace), no_restart=True)
    return len(there)


def greet(namespace: str, worker: str, epoch: int) -> Any:
    """What a worker answers to a dispatcher of some epoch; nothing where it has just died."""
    try:
        return json.loads(ray.get(ray.get_actor(worker, namespace=namespace).hello.remote(epoch), timeout=60))
    except GONE:
        return {}


def named(namespace: str) -> list[str]:
    every = ray.util.list_named_actors(all_namespaces=True)
    return sorted(one["name"] for one in every if one["namespace"] == namespace)


if __name__ == "__main__":
    main()
