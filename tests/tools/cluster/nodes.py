"""One node's life: containerd and a kubelet with all that they start; frozen, thawed, lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.tools import build
from tests.tools.cluster import archive, configs, machine, mounts, network, plane, programs
from tests.tools.cluster.places import Node, Place

READY_SECONDS = 240
PATIENCE_SECONDS = 0.05
CONTAINERD = "/usr/bin/containerd"


def start(place: Place, node: Node) -> None:
    """Until Kubernetes calls it ready. Raises ClusterFailed, BuildFailed."""
    _write_configs(place, node)
    network.add_address(node)
    runtime, agent = _containerd(node), _kubelet(node)
    programs.start(place.folder, runtime, [CONTAINERD, "--config", place.of(node) / "containerd.toml"])
    programs.wait(place.folder, runtime, READY_SECONDS, lambda: machine.works(*_ctr(place, node), "version"))
    load(place, node, _pause(place))
    programs.start(place.folder, agent, [build.binary("kubelet"), *_flags(place, node)])
    programs.wait(place.folder, agent, READY_SECONDS, lambda: is_ready(place, node))


def is_ready(place: Place, node: Node) -> bool:
    """Whether the API says so."""
    wanted = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    told = plane.kubectl(place, "get", "node", node.name, "--ignore-not-found", "--output", wanted)
    return told.strip() == "True"


def load(place: Place, node: Node, image: Path) -> None:
    """An archive's images, for the node's pods. Raises ClusterFailed."""
    machine.said(*_ctr(place, node), "--namespace", "k8s.io", "images", "import", str(image))


def freeze(place: Place, node: Node) -> None:
    """Everything of the node stands still, its connections open; asked again until nothing new was born meanwhile."""
    _signal_all(place, node, psutil.Process.suspend, psutil.STATUS_STOPPED)


def thaw(place: Place, node: Node) -> None:
    """What was frozen goes on, children before their parents."""
    for process in reversed(of(place, node)):
        with suppress(psutil.NoSuchProcess):
            process.resume()


def lose(place: Place, node: Node) -> None:
    """As if its plug were pulled: every process at once, and nobody answers for its pods' addresses. It does not come back."""
    freeze(place, node)
    _end(place, node)
    mounts.remove(place.of(node))


def stop(place: Place, node: Node) -> None:
    """Ends everything of the node, frozen or not."""
    programs.stop(place.folder, _kubelet(node))
    programs.stop(place.folder, _containerd(node))
    _end(place, node)


def of(place: Place, node: Node) -> list[psutil.Process]:
    """Kubelet, containerd, the containers' guards and all that runs in the containers: parents before their children."""
    own = [programs.find(place.folder, name) for name in (_kubelet(node), _containerd(node))]
    tops = [*(process for process in own if process is not None), *_guards(place, node)]
    found = {process.pid: process for top in tops for process in _with_children(top)}
    return list(found.values())


def _end(place: Place, node: Node) -> None:
    """The guards' sockets lie outside the folder: containerd knows one place only."""
    those = of(place, node)
    sockets = [path for guard in _guards(place, node) for path in _sockets(guard)]
    programs.kill(those)
    for path in sockets:
        path.unlink(missing_ok=True)


def _guards(place: Place, node: Node) -> list[psutil.Process]:
    """containerd's shims: they outlive it, and name its socket."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("containerd-shim") and str(place.socket(node)) in process.cmdline():
                found.append(process)
    return found


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _sockets(guard: psutil.Process) -> list[Path]:
    with suppress(psutil.Error):
        named = (str(one.laddr) for one in guard.net_connections(kind="unix"))
        return [Path(name) for name in named if name.startswith("/run/containerd/s/")]
    return []


def _signal_all(place: Place, node: Node, signal: Callable[[psutil.Process], None], state: str) -> None:
    while others := [process for process in of(place, node) if _status(process) not in (state, psutil.STATUS_ZOMBIE)]:
        for process in others:
            with suppress(psutil.NoSuchProcess):
                signal(process)
        time.sleep(PATIENCE_SECONDS)


def _status(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.status())
    return str(psutil.STATUS_ZOMBIE)


def _write_configs(place: Place, node: Node) -> None:
    own = place.of(node)
    (own / "cni").mkdir(parents=True, exist_ok=True)
    (own / "cni" / "10-bridge.conflist").write_text(configs.pod_network(place, node))
    (own / "containerd.toml").write_text(configs.containerd(place, node))
    (own / "kubelet.json").write_text(configs.kubelet(place, node))


def _pause(place: Place) -> Path:
    image = place.folder / "pause.tar"
    if not image.exists():
        archive.write(image, configs.PAUSE_IMAGE, build.binary("pause"))
    return image


def _flags(place: Place, node: Node) -> list[str]:
    return [
        f"--config={place.of(node) / 'kubelet.json'}",
        f"--kubeconfig={place.kubeconfig}",
        f"--root-dir={place.of(node) / 'kubelet'}",
        f"--cert-dir={place.of(node) / 'certs'}",
        f"--node-ip={node.address}",
        f"--hostname-override={node.name}",
    ]


def _ctr(place: Place, node: Node) -> tuple[str, ...]:
    return ("ctr", "--address", str(place.socket(node)))


def _containerd(node: Node) -> str:
    return f"containerd-{node.letter}"


def _kubelet(node: Node) -> str:
    return f"kubelet-{node.letter}"
