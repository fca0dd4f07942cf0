"""KubeRay's own CustomResourceDefinition, from its pinned Go module; nothing of it is built."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

MODULE = "github.com/ray-project/kuberay/ray-operator@v1.6.2"


@cache
def crd() -> Path:
    """The file that declares RayCluster, downloaded once into Go's own cache."""
    go = Path(sysconfig.get_path("scripts")) / "go"
    said = subprocess.run(
        [str(go), "mod", "download", "-json", MODULE], capture_output=True, text=True, check=False, cwd="/"
    )
    assert said.returncode == 0, f"{MODULE} could not be had: {said.stdout}{said.stderr}"
    return Path(json.loads(said.stdout)["Dir"]) / "config" / "crd" / "bases" / "ray.io_rayclusters.yaml"
