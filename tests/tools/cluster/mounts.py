"""What is mounted below a folder, and the folder's removal: never through a mount into what it shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.tools.cluster import machine
from tests.tools.cluster.places import ClusterFailed


def below(folder: Path) -> list[Path]:
    """The innermost and the latest first; the folder's own mount too."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [Path(_plain(line.split(" ")[1])) for line in lines]
    return [point for point in reversed(points) if point == folder or folder in point.parents]


def remove(folder: Path) -> None:
    """Unmounts everything below a folder; what is still used goes when its user does. Raises ClusterFailed."""
    for point in below(folder):
        machine.said("umount", "--lazy", str(point))


def remove_with_folder(folder: Path) -> None:
    """Raises ClusterFailed rather than reach through a mount that is left."""
    remove(folder)
    if left := below(folder):
        raise ClusterFailed(f"{folder} is not removed: {left[0]} is mounted below it still. Unmount it, and try again.")
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)


def _plain(point: str) -> str:
    """The kernel writes blanks in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)
