"""What containerd, the kubelet and the pods' network leave outside the cluster's folder, found and removed at the end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tests.tools.cluster import mounts, network, nodes
from tests.tools.cluster.places import LETTERS, Node, Place

CGROUPS = Path("/sys/fs/cgroup")
RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")
# Made by containerd, the kubelet and the pods' network where they lack; removed again if they are empty.
FOLDERS = ("/run/containerd/s", "/run/containerd", "/var/log/containers", "/var/lib/cni/results", "/var/lib/cni")


def of(place: Place) -> list[str]:
    """What is left of a cluster, in words: processes, mounts, bridge, cables, tables, cgroups, links, the folder."""
    those = [Node(letter) for letter in LETTERS]
    return [
        *(f"process {one.pid} ({one.name()})" for node in those for one in nodes.of(place, node)),
        *(f"mount {point}" for point in mounts.below(place.folder)),
        *(["bridge"] if network.has_bridge() else []),
        *(f"table {family} {table}" for family, table in network.tables()),
        *(f"cgroup {path}" for node in those for path in _cgroups(node)),
        *(f"link {path}" for path in _links(place)),
        *(f"result {path}" for node in those for path in _results(node)),
        *([f"folder {place.folder}"] if place.folder.exists() else []),
    ]


def remove(place: Place) -> None:
    """All that lies elsewhere; the folder itself goes last, by `mounts`."""
    for letter in LETTERS:
        for path in _cgroups(Node(letter)):
            _remove_cgroup(path)
        for path in _results(Node(letter)):
            path.unlink()
    for path in _links(place):
        path.unlink()
    for folder in FOLDERS:
        with suppress(OSError):  # another's things are in it, or it never was
            Path(folder).rmdir()


def _cgroups(node: Node) -> list[Path]:
    """In every hierarchy, of the old kind and of the new."""
    tops = [CGROUPS, *(path for path in CGROUPS.iterdir() if path.is_dir())]
    return [path for top in tops if (path := top / node.cgroup.lstrip("/")).is_dir()]


def _remove_cgroup(path: Path) -> None:
    for folder, _, _ in os.walk(path, topdown=False):
        Path(folder).rmdir()


def _results(node: Node) -> list[Path]:
    return sorted(RESULTS.glob(f"brandfarm-{node.name}-*"))


def _links(place: Place) -> list[Path]:
    """The kubelet links every container's log from there."""
    links = LOG_LINKS.iterdir() if LOG_LINKS.is_dir() else ()
    return [path for path in links if path.is_symlink() and str(path.readlink()).startswith(f"{place.folder}/")]
