"""What containerd, the kubelet and the pods' network leave outside the cluster's folder, found and removed at the end.

They have places of their own that cannot be moved. What was not there before the cluster is removed whole; on a machine
that had them (a container engine of its own, say) they stay, and only what bears the cluster's name goes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.tools.cluster import mounts, network, nodes
from tests.tools.cluster.places import LETTERS, Node, Place

CGROUPS = Path("/sys/fs/cgroup")
RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")
FOLDERS = ("/etc/cni", "/run/containerd", "/usr/libexec/kubernetes", "/var/lib/cni", "/var/lib/kubelet", str(LOG_LINKS))
NODES = [Node(letter) for letter in LETTERS]


def remember(place: Place) -> None:
    """Before the first program: what is not there now is the cluster's when it is there later."""
    those = [*(Path(folder) for folder in FOLDERS), *_cgroups()]
    absent = [str(path) for path in those if not path.exists()]
    (place.folder / "absent.json").write_text(json.dumps(absent))


def absent_before(place: Place) -> list[Path]:
    """What was not there; nothing, where nobody remembered."""
    kept = place.folder / "absent.json"
    return [Path(path) for path in json.loads(kept.read_text())] if kept.exists() else []


def of(place: Place, absent: list[Path]) -> list[str]:
    """What is left of a cluster, in words."""
    return [
        *(f"process {one.pid} ({one.name()})" for node in NODES for one in nodes.of(place, node)),
        *(f"mount {point}" for point in mounts.below(place.folder)),
        *(["bridge"] if network.has_bridge() else []),
        *(f"table {family} {table}" for family, table in network.tables()),
        *(f"folder {path}" for path in [*absent, place.folder] if path.exists()),
        *(f"file {path}" for path in _named(place)),
    ]


def remove(place: Place, absent: list[Path]) -> None:
    """All that lies elsewhere; the folder itself goes last, by `mounts`."""
    for path in absent:
        if path.is_relative_to(CGROUPS):
            _remove_cgroup(path)
        else:
            mounts.remove_with_folder(path)
    for path in _named(place):
        path.unlink()


def _cgroups() -> list[Path]:
    """containerd's own, in every hierarchy, of the old kind and of the new."""
    return [top / "k8s.io" for top in (CGROUPS, *sorted(path for path in CGROUPS.iterdir() if path.is_dir()))]


def _remove_cgroup(path: Path) -> None:
    for folder, _, _ in os.walk(path, topdown=False):
        Path(folder).rmdir()


def _named(place: Place) -> list[Path]:
    """What bears a node's name, or leads into the cluster's folder: the kubelet links every container's log."""
    results = [path for node in NODES for path in RESULTS.glob(f"brandfarm-{node.name}-*")]
    links = LOG_LINKS.iterdir() if LOG_LINKS.is_dir() else ()
    return results + [path for path in links if path.is_symlink() and path.readlink().is_relative_to(place.folder)]
