"""The bridge that all pods hang on, and what of the machine's network and kernel is changed for the cluster and put back."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from tests.tools.cluster import machine, places
from tests.tools.cluster.places import ClusterFailed, Node

FAMILIES = ("ip", "ip6")
TABLE = "kube-proxy"
SETTINGS = (
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def check() -> None:
    """Raises ClusterFailed where something of another cluster, or of one not taken down, is in the way."""
    if has_bridge():
        raise ClusterFailed(f"The bridge {places.BRIDGE} is there already: take that cluster down first (down).")
    if tables():
        raise ClusterFailed(
            "kube-proxy's nftables tables are there already: this machine is a Kubernetes node, or one was left here. "
            "Take it down first; two would fight over every Service."
        )


def has_bridge() -> bool:
    """Whether it is there."""
    return machine.works("ip", "link", "show", places.BRIDGE)


def make_bridge(folder: Path) -> None:
    """The bridge with the first node's address, which is the pods' way out; remembers what the kernel said before."""
    before = {name: path.read_text().strip() for name in SETTINGS if (path := _setting(name)).exists()}
    (folder / "kernel.json").write_text(json.dumps(before))
    machine.said("ip", "link", "add", places.BRIDGE, "type", "bridge")
    machine.said("ip", "link", "set", places.BRIDGE, "up")
    _setting("net/ipv4/ip_forward").write_text("1")


def add_address(node: Node) -> None:
    """Once a node has it, it keeps it."""
    with_length = f"{node.address}/{places.POD_RANGE.rpartition('/')[2]}"
    if f" {with_length} " not in machine.said("ip", "-o", "address", "show", "dev", places.BRIDGE):
        machine.said("ip", "address", "add", with_length, "dev", places.BRIDGE)


def ports() -> list[str]:
    """The machine's ends of the pods' cables."""
    if not has_bridge():
        return []
    told = json.loads(machine.said("ip", "-j", "link", "show", "master", places.BRIDGE) or "[]")
    return [str(link["ifname"]) for link in told if link]


def tables() -> list[tuple[str, str]]:
    """kube-proxy's, by family."""
    lines = machine.said("nft", "list", "tables").splitlines()
    return [(family, TABLE) for family in FAMILIES if f"table {family} {TABLE}" in lines]


def remove(folder: Path) -> None:
    """Cables, bridge, kube-proxy's tables; the kernel's settings as they were."""
    for port in ports():
        with suppress(ClusterFailed):  # gone with its pod meanwhile
            machine.said("ip", "link", "delete", port)
    if has_bridge():
        machine.said("ip", "link", "delete", places.BRIDGE)
    for family, table in tables():
        machine.said("nft", "delete", "table", family, table)
    kept = folder / "kernel.json"
    if kept.exists():
        _put_back(json.loads(kept.read_text()))


def _put_back(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        if _setting(name).read_text().strip() != value:
            _setting(name).write_text(value)


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name
