"""Renders the chart as `helm` does, for the tests: presets and other choices as values, objects as plain data."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.tools import build

CHART = Path(__file__).parents[2] / "helm" / "brandfarm"
NAME, NAMESPACE = "farm", "farms"
FULLNAME = "farm-brandfarm"

LAPTOP = ("-f", str(CHART / "values-laptop.yaml"))
STUDIO = ("-f", str(CHART / "values-studio.yaml"))
THERE = "ray.existing.address=head.ray.svc:6379,ray.existing.secret.name=ray-token"
CHOICES: dict[str, tuple[str, ...]] = {
    "laptop": LAPTOP,
    "studio": STUDIO,
    "two namespaces": (*LAPTOP, "--set", "watch.namespaces={studio-a,studio-b}"),
    "a Ray cluster that is there": (*STUDIO, "--set", f"ray.create=false,{THERE}"),
    "everything": (
        *STUDIO,
        "--set", f"images.registry=registry.example,images.worker.digest=sha256:{'a' * 64}",
        "--set", "images.pullSecrets={pull},metrics.serviceMonitor.when=always,metrics.serviceMonitor.labels.release=prom",
        "--set", "store.existing.caBundle.configMap=ca,networkPolicies.apiServer={10.0.0.1/32}",
        "--set", "controller.priorityClassName=high,ray.head.podAnnotations.why=because",
        "--set", "dispatcher.token.existingSecret=farm-token,ray.existingTokenSecret=ray-token",
    ),
    "a store that is lost with its pod": (*LAPTOP, "--set", "store.devMinio.size=,networkPolicies.enabled=true"),
}  # fmt: skip
"""All that is tried on a real API server, by what it is for."""

Document = dict[str, Any]


class HelmFailed(Exception):
    """Helm refused; the message is what it said."""


def helm(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What helm prints. Raises HelmFailed."""
    with tempfile.TemporaryDirectory() as home:
        surroundings = {"HOME": home, "PATH": "/usr/bin:/bin", **(environment or {})}
        command = [str(build.binary("helm")), *arguments]
        done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmFailed(done.stderr.strip())
    return done.stdout


@cache
def rendered(*choice: str) -> list[Document]:
    """All objects of the chart under a choice of values; rendered once, so nobody changes them."""
    return [one for one in yaml.load_all(text(*choice), yaml.CSafeLoader) if one]


@cache
def text(*choice: str) -> str:
    """The same as helm prints it."""
    return helm("template", NAME, str(CHART), "--namespace", NAMESPACE, "--kube-version", "1.36.1", *choice)


def only(documents: list[Document], kind: str, name: str = "") -> Document:
    """The one object of a kind, and of that name behind the farm's."""
    found = [one for one in documents if one["kind"] == kind and one["metadata"]["name"].endswith(name)]
    assert len(found) == 1, f"{len(found)} objects are a {kind} called ...{name}"
    return found[0]


def kinds(documents: list[Document]) -> set[str]:
    return {one["kind"] for one in documents}


def pods(documents: list[Document]) -> dict[str, Document]:
    """The pods that come of these objects, by the part that they are: metadata and spec."""
    found: dict[str, Document] = {}
    for one in documents:
        for name, template in _templates(one):
            found[name] = template
    return found


def _templates(one: Document) -> Iterator[tuple[str, Document]]:
    spec, name = one.get("spec", {}), one["metadata"]["name"].removeprefix(f"{FULLNAME}-")
    match one["kind"]:
        case "Deployment" | "StatefulSet":
            yield name, spec["template"]
        case "Pod":
            yield name, one
        case "RayCluster":
            yield "head", spec["headGroupSpec"]["template"]
            for group in spec["workerGroupSpecs"]:
                yield f"worker-{group['groupName']}", group["template"]


def containers(pod: Document) -> dict[str, Document]:
    """All containers of a pod by name, those that are started first among them."""
    return {one["name"]: one for one in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]}


def environment(container: Document) -> dict[str, str]:
    """What a container is told by its environment; a reference reads as the name of what it refers to."""
    return {one["name"]: str(one["value"]) if "value" in one else _reference(one) for one in container["env"]}


def _reference(variable: Document) -> str:
    (source,) = variable["valueFrom"].values()
    return f"<{source.get('name', '')}{source.get('fieldPath', '')}>"
