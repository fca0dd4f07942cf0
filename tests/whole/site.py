"""A cluster with the farm's chart on it, and the hands that a person has there: helm, kubectl, brandfarm, and a look into the store."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cluster.minio_store import MinioStore
from tests.helm.chart import CHART
from tests.tools import build
from tests.tools.cluster.life import Cluster
from tests.tools.cluster.places import ClusterFailed

RELEASE = NAMESPACE = "brandfarm"
STUDIO = "studio-a"
CONTEXT = "brandfarm"
PLAIN, WORKERS = "node-a", "node-b"
TAINT = "brandfarm.dev/workers"
LOOK_SECONDS = 0.5

Document = dict[str, Any]
Found = TypeVar("Found")


def until(what: str, look: Callable[[], Found | None], seconds: float) -> Found:
    """What a look finds, once it finds something true. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@dataclass
class Site:
    """One release of the chart."""

    cluster: Cluster
    folder: Path

    # The farm, as its keeper

    def install(self, *more: str) -> None:
        """The laptop preset, its workers on the node that is kept for them; again, with other words, an upgrade."""
        values = self.folder / "values.json"
        values.write_text(json.dumps(_values()))
        presets = ("-f", str(CHART / "values-laptop.yaml"), "-f", str(values))
        self.helm("upgrade", "--install", RELEASE, str(CHART), *presets, "--create-namespace", *more)
        for known in ("store", "store_keys", "store_address", "store_endpoint"):
            self.__dict__.pop(known, None)  # a Service that was made anew has another address

    def helm(self, *words: str) -> str:
        """What helm prints. Raises ClusterFailed."""
        environment = {"KUBECONFIG": str(self.cluster.kubeconfig), "HOME": str(self.folder)}
        command = [str(build.binary("helm")), "--namespace", NAMESPACE, *words]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterFailed(f"helm {' '.join(words)}\nended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def until_ready(self, workers: int = 1, seconds: float = 600) -> None:
        """Until controller, head, store and so many workers are there."""
        deadline = time.monotonic() + seconds
        for part in ("deployment/brandfarm-controller", "statefulset/brandfarm-minio"):
            self.of_farm("rollout", "status", part, f"--timeout={seconds:.0f}s")
        left = deadline - time.monotonic()
        until("the head is ready", lambda: self.ready_pods("ray.io/node-type=head"), left)
        until(f"{workers} workers are ready", lambda: len(self.ready_pods("ray.io/node-type=worker")) >= workers, left)

    def ready_pods(self, label: str) -> list[Document]:
        """The farm's pods of a label that are ready and not on their way out."""
        return [pod for pod in self.pods(label) if _is_ready(pod)]

    def pods(self, label: str) -> list[Document]:
        """The farm's pods of a label."""
        told: Document = json.loads(self.of_farm("get", "pods", f"--selector={label}", "--output=json"))
        return list(told["items"])

    def of_farm(self, *words: str) -> str:
        """kubectl in the farm's namespace."""
        return self.cluster.kubectl("--namespace", NAMESPACE, *words)

    # The studio, as its people

    def kubectl(self, *words: str, document: Document | None = None) -> str:
        """kubectl in the studio's namespace."""
        more = () if document is None else ("--filename=-",)
        return self.cluster.kubectl("--namespace", STUDIO, *words, *more, input=json.dumps(document or ""))

    def manifest(self, kind: str, name: str) -> Document:
        """One manifest as the API server has it."""
        found: Document = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    def status(self, kind: str, name: str) -> Document:
        """How it stands."""
        return dict(self.manifest(kind, name).get("status", {}))

    def wait(self, what: str, condition: str, seconds: int) -> None:
        """As a script waits. Raises ClusterFailed with what describe says."""
        try:
            self.kubectl("wait", what, f"--for=condition={condition}", f"--timeout={seconds}s")
        except ClusterFailed as failed:
            raise ClusterFailed(f"{failed}\n{self.kubectl('describe', what)[-3000:]}") from failed

    def brandfarm(self, *words: str, code: int = 0) -> str:
        """One verb of the CLI on this cluster; its data."""
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "BRANDFARM_CONTEXT": CONTEXT,
            "BRANDFARM_STORE": self.store_address,
        }
        command = [sys.executable, "-P", "-m", "cli", *words]
        done = subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == code, f"brandfarm {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    # The store

    @cached_property
    def store(self) -> MinioStore:
        """The farm's store, with the farm's own keys."""
        access, secret = self.store_keys
        return MinioStore(self.store_address, access_key=access, secret_key=secret, may_make=False)

    @cached_property
    def store_keys(self) -> tuple[str, str]:
        """Access key and secret key, from the Secret that the chart made."""
        held = json.loads(self.of_farm("get", "secret", "brandfarm-minio", "--output=json"))["data"]
        return tuple(base64.b64decode(held[key]).decode() for key in ("access-key", "secret-key"))  # type: ignore[return-value]

    @cached_property
    def store_address(self) -> str:
        """The Service's own address, which this machine reaches as the pods do."""
        return f"http://{self.store_endpoint}/brandfarm"

    @cached_property
    def store_endpoint(self) -> str:
        """host:port."""
        address = self.of_farm("get", "service", "brandfarm-minio", "--output=jsonpath={.spec.clusterIP}")
        return f"{address}:9000"


def _is_ready(pod: Document) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _values() -> Document:
    """What a platform engineer writes who keeps nodes for workers: they grow from one to two, and are given back soon."""
    group = {
        "name": "cpu",
        "gpuClass": "cpu",
        "gpus": 0,
        "min": 1,
        "max": 2,
        "resources": {"requests": {"cpu": "200m", "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
        "nodeSelector": {"kubernetes.io/hostname": WORKERS},
        "tolerations": [{"key": TAINT, "operator": "Exists"}],
    }
    autoscaler = {"clearSeconds": 20, "keepSeconds": 20, "idleSeconds": 10}
    return {"images": {"pullPolicy": "Never"}, "ray": {"workers": [group], "autoscaler": autoscaler}}
