"""What the cluster asks of the machine first, and a command of it with its own words where it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.tools.cluster import programs
from tests.tools.cluster.places import ClusterFailed

FREE_GIB = 25  # the worker's image with torch, in buildah's store, as an archive and unpacked on one node
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "debootstrap": "debootstrap",
    "nft": "nftables",
    "ip": "iproute2",
}


def check(folders: Sequence[Path], free_gib: int = FREE_GIB) -> None:
    """Raises ClusterFailed where the machine cannot carry a cluster, before anything was begun."""
    check_root()
    check_packages()
    for folder in folders:
        check_disk(folder, free_gib)


def check_root() -> None:
    """Containers, a bridge and mounts take it. Raises ClusterFailed."""
    if os.geteuid() != 0:
        raise ClusterFailed(
            "A cluster's nodes make containers, mounts and a bridge, which only root may: run this with sudo."
        )


def check_packages() -> None:
    """Raises ClusterFailed, with the line that installs what lacks."""
    if missing := missing_packages():
        raise ClusterFailed(
            f"The cluster needs {len(missing)} Debian packages that are not here. Install them:\n"
            f"  apt-get install -y --no-install-recommends {' '.join(missing)}"
        )


def missing_packages() -> list[str]:
    """Debian's packages of what is not here, by name."""
    return sorted(package for program, package in PACKAGES.items() if shutil.which(program, path=programs.PATH) is None)


def install_packages() -> None:
    """Those that are missing, by apt-get; none where all are here. Raises ClusterFailed."""
    check_root()
    if missing := missing_packages():
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        said("apt-get", "update", environment=environment)
        said("apt-get", "install", "--yes", "--no-install-recommends", *missing, environment=environment)
        check_packages()


def check_disk(folder: Path, free_gib: int) -> None:
    """Raises ClusterFailed."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free / 2**30
    if free < free_gib:
        raise ClusterFailed(
            f"A cluster with the worker's image takes up to {free_gib} GiB of disk, and {folder} has {free:.1f} GiB. Make room, or "
            f"name other folders with BRANDFARM_CLUSTER and BRANDFARM_IMAGES."
        )


def said(*command: str | Path, input: str = "", environment: dict[str, str] | None = None) -> str:
    """What a command prints. Raises ClusterFailed, with the last of what it complained about."""
    done = subprocess.run(
        [str(word) for word in command],
        input=input,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": programs.PATH, **(environment or {})},
    )
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise ClusterFailed(f"{words}\nended with {done.returncode}: {done.stderr.strip()[-3000:]}")
    return done.stdout


def works(*command: str | Path) -> bool:
    """Whether a command ends well; what it says does not matter."""
    try:
        said(*command)
    except ClusterFailed:
        return False
    return True
