"""Where the cluster's things lie and how they are called: one folder, one bridge, an address per node. Pure."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

BRIDGE = "brandfarm0"
POD_RANGE = "10.88.0.0/16"
SERVICE_RANGE = "10.96.0.0/20"
DNS_ADDRESS = "10.96.0.10"
API_PORT, ETCD_PORT, ETCD_PEER_PORT = 6443, 12379, 12380
KUBELET_PORT = 10250
LETTERS = "abcdefgh"
VOLUMES = 16
VOLUME_SIZE = "100Gi"
TOKEN_BYTES = 24


class ClusterFailed(Exception):
    """What was attempted with the cluster, what was found, and what to do next."""


@dataclass(frozen=True)
class Node:
    """One node: its own containerd, kubelet, bridge address and range of pod addresses. The first is the pods' gateway too."""

    letter: str

    @property
    def name(self) -> str:
        """What Kubernetes calls it."""
        return f"node-{self.letter}"

    @property
    def number(self) -> int:
        """Counted from 0; the third part of its addresses."""
        return LETTERS.index(self.letter)

    @property
    def address(self) -> str:
        """Where its kubelet answers."""
        return f"10.88.{self.number}.1"

    @property
    def pods(self) -> tuple[str, str]:
        """The first and the last address of its pods."""
        return f"10.88.{self.number}.10", f"10.88.{self.number}.250"


FIRST = Node("a")


@dataclass(frozen=True)
class Place:
    """The one folder that everything of a cluster lies in, so that taking it down can remove everything."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "kubeconfig"

    @property
    def certificates(self) -> Path:
        """The API server's own."""
        return self.folder / "certs"

    @property
    def ca(self) -> Path:
        """What a client trusts to know the API server."""
        return self.certificates / "apiserver.crt"

    @property
    def tokens(self) -> Path:
        """Who the API server knows by token: the administrator."""
        return self.folder / "tokens.csv"

    @property
    def volumes(self) -> Path:
        """What the pods' claims are kept in."""
        return self.folder / "volumes"

    def of(self, node: Node) -> Path:
        """A node's own folder."""
        return self.folder / node.name

    def socket(self, node: Node) -> Path:
        """Where a node's containerd listens."""
        return self.of(node) / "containerd.sock"

    def nodes(self) -> list[Node]:
        """Those that were ever started, in order."""
        return [Node(letter) for letter in LETTERS if self.of(Node(letter)).is_dir()]


def default() -> Place:
    """`BRANDFARM_CLUSTER` names another folder."""
    return Place(Path(os.environ.get("BRANDFARM_CLUSTER") or "/var/lib/brandfarm-cluster"))


def node(name: str) -> Node:
    """The node of that name. Raises ClusterFailed."""
    if not re.fullmatch(f"node-[{LETTERS}]", name):
        raise ClusterFailed(f"There can be no node called {name}: they are node-{LETTERS[0]} to node-{LETTERS[-1]}.")
    return Node(name[-1])


def next_node(there: list[Node]) -> Node:
    """The first that is not there. Raises ClusterFailed."""
    free = [letter for letter in LETTERS if Node(letter) not in there]
    if not free:
        raise ClusterFailed(
            f"A cluster has at most {len(LETTERS)} nodes, and all of them were used; start another one."
        )
    return Node(free[0])
