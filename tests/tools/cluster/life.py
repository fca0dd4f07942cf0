"""The whole cluster: up in one call, down in one call with nothing left, and what is to be said about it in between."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools import build
from tests.tools.cluster import images, machine, mounts, network, nodes, objects, places, plane, programs, remains
from tests.tools.cluster.places import ClusterFailed, Node, Place

KUBERAY = "github.com/ray-project/kuberay/ray-operator"
TOOLS = (*plane.BINARIES.values(), "kubelet", "kubectl", "pause")


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up."""

    place: Place

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.place.kubeconfig

    def kubectl(self, *arguments: str, input: str = "") -> str:
        """What kubectl prints. Raises ClusterFailed."""
        return plane.kubectl(self.place, *arguments, input=input)

    def add_node(self) -> Node:
        """One more, ready. Raises ClusterFailed."""
        node = places.next_node(self.place.nodes())
        nodes.start(self.place, node)
        return node

    def freeze(self, name: str) -> None:
        """A node stands still."""
        nodes.freeze(self.place, places.node(name))

    def thaw(self, name: str) -> None:
        """A frozen node goes on."""
        nodes.thaw(self.place, places.node(name))

    def lose(self, name: str) -> None:
        """A node is gone, for good."""
        nodes.lose(self.place, places.node(name))

    def load(self, archive: Path, name: str = "") -> None:
        """An archive's images, for one node or for all."""
        for node in [places.node(name)] if name else self.place.nodes():
            nodes.load(self.place, node, archive)


def up(place: Place, count: int = 2, free_gib: int = machine.FREE_GIB) -> Cluster:
    """A cluster of so many nodes, ready for pods and RayClusters; a failed one is taken down. Raises ClusterFailed, BuildFailed."""
    machine.check([place.folder, images.cache()], free_gib)
    network.check()
    if place.folder.exists():
        raise ClusterFailed(f"{place.folder} is there already: take that cluster down first (down).")
    for name in TOOLS:
        build.binary(name)
    try:
        return _up(place, count)
    except BaseException:
        down(place)
        raise


def down(place: Place) -> None:
    """Stops and removes everything, however far it had come; done twice is harmless. Raises ClusterFailed."""
    machine.check_root()
    absent = remains.absent_before(place)
    for node in place.nodes():
        nodes.stop(place, node)
    plane.stop(place)
    for name in programs.names(place.folder):
        programs.stop(place.folder, name)
    network.remove(place.folder)
    mounts.remove(place.folder)
    remains.remove(place, absent)
    mounts.remove_with_folder(place.folder)
    if left := remains.of(place, absent):
        raise ClusterFailed(
            f"The cluster is down, but this is left: {'; '.join(left)}. Remove it by hand, or try again."
        )


@contextmanager
def running(place: Place, count: int = 2, free_gib: int = machine.FREE_GIB) -> Iterator[Cluster]:
    """A cluster, and nothing of it afterwards."""
    cluster = up(place, count, free_gib)
    try:
        yield cluster
    finally:
        down(place)


def found(place: Place) -> Cluster:
    """The one that is up. Raises ClusterFailed."""
    if not place.kubeconfig.exists():
        raise ClusterFailed(f"No cluster is up in {place.folder}: bring one up first (up).")
    return Cluster(place)


def status(place: Place) -> list[str]:
    """A line for each program, node and pod."""
    cluster = found(place)
    living = [(name, programs.find(place.folder, name)) for name in programs.names(place.folder)]
    lines = [f"{name:26}{'ended' if process is None else process.pid}" for name, process in living]
    if plane.is_ready(place):
        lines += cluster.kubectl("get", "nodes", "--output=wide").splitlines()
        lines += cluster.kubectl("get", "pods", "--all-namespaces", "--output=wide").splitlines()
    return lines


def _up(place: Place, count: int) -> Cluster:
    place.folder.mkdir(parents=True, mode=0o711)
    remains.remember(place)
    _make_volumes(place)
    network.make_bridge(place.folder)
    network.add_address(places.FIRST)
    plane.start(place)
    cluster = Cluster(place)
    cluster.kubectl("apply", "--filename=-", input=json.dumps(objects.all_of_them(place)))
    cluster.kubectl("apply", "--server-side", "--filename", str(kuberay_kinds()))
    for _ in range(count):
        cluster.add_node()
    plane.start_services(place)
    return cluster


def _make_volumes(place: Place) -> None:
    """Open to every user: a pod's user owns nothing here."""
    for volume in objects.volume_folders(place):
        volume.mkdir(parents=True)
        volume.chmod(0o777)


def kuberay_kinds() -> Path:
    """The folder of KubeRay's own CustomResourceDefinitions, in Go's cache, at the operator's version. Raises ClusterFailed."""
    go = Path(sysconfig.get_path("scripts")) / "go"
    command = [str(go), "mod", "download", "-json", KUBERAY]
    said = subprocess.run(command, cwd=build.MODULES / "kuberay", capture_output=True, text=True, check=False)
    if said.returncode:
        raise ClusterFailed(f"KubeRay's kinds could not be had: {' '.join(command)} said {said.stdout}{said.stderr}")
    return Path(json.loads(said.stdout)["Dir"]) / "config" / "crd" / "bases"
