"""The files that the cluster's programs read, as text. Pure; JSON wherever YAML is read, since JSON is YAML."""

from __future__ import annotations

import json

from tests.tools.cluster import places
from tests.tools.cluster.places import Node, Place

PAUSE_IMAGE = "localhost/pause:1"
CNI_PROGRAMS = "/usr/lib/cni"


def kubeconfig(place: Place, token: str) -> str:
    """The administrator's, by token."""
    url = f"https://{places.FIRST.address}:{places.API_PORT}"
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "brandfarm", "cluster": {"server": url, "certificate-authority": str(place.ca)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "brandfarm", "context": {"cluster": "brandfarm", "user": "admin"}}],
        "current-context": "brandfarm",
    }
    return _json(told)


def containerd(place: Place, node: Node) -> str:
    """Everything below the node's folder; no demand that takes more rights than a container's root has."""
    own = place.of(node)
    return f"""version = 2
root = "{own}/containerd"
state = "{own}/run"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{place.socket(node)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{own}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PROGRAMS}"
    conf_dir = "{own}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""


def kubelet(place: Place, node: Node) -> str:
    """It changes as little of the machine as it can: no iptables, no cgroups of its own, no swap or disk demanded."""
    own = place.of(node)
    told = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": places.KUBELET_PORT,
        "healthzPort": 0,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [places.DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{place.socket(node)}",
        "featureGates": {"KubeletInUserNamespace": True},
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "evictionHard": {"imagefs.available": "1%", "nodefs.available": "1%", "nodefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 100,
        "podLogsDir": f"{own}/logs",
        "volumePluginDir": f"{own}/plugins",
        "registerNode": True,
    }
    return _json(told)


def pod_network(place: Place, node: Node) -> str:
    """All nodes on one bridge, each with addresses of its own to give; the first node's is the gateway of all."""
    first, last = node.pods
    addresses = {"subnet": places.POD_RANGE, "rangeStart": first, "rangeEnd": last, "gateway": places.FIRST.address}
    plugin = {
        "type": "bridge",
        "bridge": places.BRIDGE,
        "isGateway": False,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{place.of(node)}/addresses",
            "ranges": [[addresses]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return _json({"cniVersion": "1.0.0", "name": f"brandfarm-{node.name}", "plugins": [plugin]})


def corefile(place: Place) -> str:
    """Names of the cluster from its API, all others from the machine's own servers."""
    return f""".:53 {{
  bind {places.FIRST.address}
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {place.kubeconfig}
    fallthrough in-addr.arpa ip6.arpa
  }}
  forward . /etc/resolv.conf
}}
"""


def signature_policy() -> str:
    """buildah takes what was built here, and has nothing else to take."""
    return _json({"default": [{"type": "insecureAcceptAnything"}]})


def _json(told: object) -> str:
    return json.dumps(told, indent=2) + "\n"
