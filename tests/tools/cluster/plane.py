"""The control plane and what serves all nodes, as programs of the machine: etcd to the KubeRay operator."""

from __future__ import annotations

import secrets
import socket
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

from tests.tools import build
from tests.tools.cluster import configs, machine, places, programs
from tests.tools.cluster.places import Place

READY_SECONDS = 240
ISSUER = "https://kubernetes.default.svc.cluster.local"
GIVE_UP_SECONDS = 30  # how long a pod stays on a node that is not there: a test does not wait five minutes
FIRST = places.FIRST.address
# Started in this order, stopped in the other.
BINARIES = {
    "etcd": "etcd",
    "kube-apiserver": "kube-apiserver",
    "kube-controller-manager": "kube-controller-manager",
    "kube-scheduler": "kube-scheduler",
    "coredns": "coredns",
    "kube-proxy": "kube-proxy",
    "kuberay-operator": "kuberay",
}


def start(place: Place) -> None:
    """Until the API answers and who assigns and counts is at work. Raises ClusterFailed, BuildFailed."""
    _write_secrets(place)
    _run(place, "etcd", _etcd(place))
    programs.wait(place.folder, "etcd", READY_SECONDS, lambda: _answers(f"http://127.0.0.1:{places.ETCD_PORT}/health"))
    _run(place, "kube-apiserver", _api_server(place))
    programs.wait(place.folder, "kube-apiserver", READY_SECONDS, lambda: is_ready(place))
    _run(place, "kube-controller-manager", _controller_manager(place))
    _run(place, "kube-scheduler", [*_with_kubeconfig(place), *_no_election(), f"--bind-address={FIRST}"])


def start_services(place: Place) -> None:
    """Names, Services and Ray clusters; the first node must be there, kube-proxy asks for it."""
    corefile = place.folder / "Corefile"
    corefile.write_text(configs.corefile(place))
    _run(place, "coredns", ["-conf", str(corefile)])
    _run(place, "kube-proxy", _proxy(place))
    _run(place, "kuberay-operator", _operator(place))
    programs.wait(place.folder, "coredns", READY_SECONDS, lambda: _listens(53))
    for name, health in {"kube-proxy": "10256/healthz", "kuberay-operator": "8082/readyz"}.items():
        programs.wait(place.folder, name, READY_SECONDS, partial(_answers, f"http://{FIRST}:{health}"))


def stop(place: Place) -> None:
    """An API server left over would keep its port for minutes: it is gone before etcd is asked to go."""
    for name in reversed(BINARIES):
        programs.stop(place.folder, name)


def kubectl(place: Place, *arguments: str, input: str = "") -> str:
    """What kubectl prints, as the administrator. Raises ClusterFailed."""
    environment = {"HOME": str(place.folder), "KUBECONFIG": str(place.kubeconfig)}
    return machine.said(build.binary("kubectl"), *arguments, input=input, environment=environment)


def is_ready(place: Place) -> bool:
    """Whether the API server answers that it is."""
    environment = ("--kubeconfig", str(place.kubeconfig))
    return place.ca.exists() and machine.works(build.binary("kubectl"), *environment, "get", "--raw", "/readyz")


def _run(place: Place, name: str, flags: list[str]) -> None:
    programs.start(place.folder, name, [build.binary(BINARIES[name]), *flags])


def _write_secrets(place: Place) -> None:
    token = secrets.token_urlsafe(places.TOKEN_BYTES)
    write_private(place.tokens, f'{token},admin,admin,"system:masters"\n')
    write_private(place.kubeconfig, configs.kubeconfig(place, token))


def write_private(path: Path, text: str) -> None:
    """For nobody else's eyes."""
    path.touch(mode=0o600)
    path.write_text(text)


def _etcd(place: Place) -> list[str]:
    client, peer = f"http://127.0.0.1:{places.ETCD_PORT}", f"http://127.0.0.1:{places.ETCD_PEER_PORT}"
    return [
        f"--data-dir={place.folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server(place: Place) -> list[str]:
    """It makes its certificate before it reads keys, so that its own key can sign ServiceAccounts' tokens."""
    key = place.certificates / "apiserver.key"
    return [
        f"--etcd-servers=http://127.0.0.1:{places.ETCD_PORT}",
        f"--bind-address={FIRST}",
        f"--advertise-address={FIRST}",
        f"--secure-port={places.API_PORT}",
        f"--cert-dir={place.certificates}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={place.tokens}",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={places.SERVICE_RANGE}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--default-not-ready-toleration-seconds={GIVE_UP_SECONDS}",
        f"--default-unreachable-toleration-seconds={GIVE_UP_SECONDS}",
        "--allow-privileged",
    ]


def _controller_manager(place: Place) -> list[str]:
    return [
        *_with_kubeconfig(place),
        *_no_election(),
        f"--bind-address={FIRST}",
        f"--service-account-private-key-file={place.certificates / 'apiserver.key'}",
        f"--root-ca-file={place.ca}",
        "--use-service-account-credentials=true",
        f"--flex-volume-plugin-dir={place.folder / 'plugins'}",
    ]


def _proxy(place: Place) -> list[str]:
    """One for the machine, whose nodes share a network. Every connection to a Service is given the bridge's address as its
    sender: two pods on one bridge would answer each other past it, and the asker would not know the answer for its own."""
    return [
        *_with_kubeconfig(place),
        "--proxy-mode=nftables",
        "--masquerade-all",
        f"--cluster-cidr={places.POD_RANGE}",
        f"--hostname-override={places.FIRST.name}",
        f"--healthz-bind-address={FIRST}:10256",
        f"--metrics-bind-address={FIRST}:10249",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]


def _operator(place: Place) -> list[str]:
    return [
        *_with_kubeconfig(place),
        "--enable-leader-election=false",
        f"--metrics-addr={FIRST}:8080",
        f"--health-probe-bind-address={FIRST}:8082",
    ]


def _with_kubeconfig(place: Place) -> list[str]:
    return [f"--kubeconfig={place.kubeconfig}"]


def _no_election() -> list[str]:
    return ["--leader-elect=false"]


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((FIRST, port), timeout=5):
            return True
    except OSError:
        return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
