"""A real Kubernetes API for tests and people: etcd and kube-apiserver on free ports of this machine, and nothing else.

No controller manager: a deleted namespace stays "Terminating" and keeps what is in it, owners' deletions delete nothing,
and a namespace has a `default` ServiceAccount only where `namespace` made it. `python -m tests.tools.kube_api` runs the pair
until Ctrl-C. `KUBEBUILDER_ASSETS` names a folder of ready binaries; else they are built.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.tools import build, kube_audit, kube_people, servers
from tests.tools.servers import Server, ServerFailed

__all__ = ["KubeApi", "KubectlFailed", "ServerFailed", "running"]

ISSUER = "https://kubernetes.default.svc.cluster.local"


class KubectlFailed(Exception):
    """kubectl refused; the message holds the command and what it said."""


@dataclass
class KubeApi:
    """The pair while it runs. `kubeconfig` is an administrator's (group system:masters), and so is `token`."""

    folder: Path
    people: kube_people.People
    etcd: Server
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    server: Server | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """Where the API server answers."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """What a client trusts to know the server."""
        return self.folder / "certs" / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "kubeconfig"

    def kubectl(self, *arguments: str, input: str = "", kubeconfig: Path | None = None) -> str:
        """What kubectl prints, as the administrator or as another. Raises KubectlFailed."""
        command = [str(build.binary("kubectl")), *arguments]
        environment = {
            "HOME": str(self.folder),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "PATH": os.environ.get("PATH", ""),
        }
        done = subprocess.run(command, env=environment, input=input, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def namespace(self, name: str) -> str:
        """A new namespace with the ServiceAccount that its pods would run under; returns its name."""
        self.kubectl("create", "namespace", name)
        self.kubectl("create", "serviceaccount", "default", "--namespace", name)
        return name

    def as_user(self, name: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for a person of that name, who may do what roles bound to the name or the groups allow."""
        return self._kubeconfig_with(self.people.token(name, groups))

    def service_account(self, namespace: str, name: str) -> Path:
        """A kubeconfig for an existing ServiceAccount, which is its namespace there too."""
        return self._kubeconfig_with(self.token_for(namespace, name), namespace)

    def token_for(self, namespace: str, name: str) -> str:
        """A token of an existing ServiceAccount for an hour, as its pods have one."""
        return self.kubectl("create", "token", name, "--namespace", namespace).strip()

    def _kubeconfig_with(self, token: str, namespace: str = "default") -> Path:
        path = self.folder / f"kubeconfig-{secrets.token_hex(4)}"
        _write_kubeconfig(path, self.url, self.ca, token, namespace)
        return path

    def start_server(self) -> None:
        """Starts the API server, again on the port it had, and waits until it is ready. Raises ServerFailed."""
        if self.server is not None:
            return
        if self.port:
            server = self._start_server(self.port)
            servers.wait_until_ready(server, self._is_ready)
        else:
            server = servers.first_ready(self._start_server, self._is_ready)
        self.server, self.port = server, server.port

    def stop_server(self) -> None:
        """Ends the API server alone; what it kept stays in etcd. Stopping it twice is harmless."""
        if self.server is not None:
            self.server.stop()
            self.server = None

    def freeze_server(self) -> None:
        """Leaves the API server there, silent, its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw_server(self) -> None:
        """Lets a frozen API server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.server is not None:
            self.server.send(number)

    def forget_history(self) -> None:
        """Makes etcd forget every revision but the present one.

        Once the API server was restarted as well (until then it remembers by itself), pages and watches begun before are
        gone: a page answers 410, a watch answers 200 and then an ERROR event of code 410.
        """
        revision = self._ask_etcd("kv/range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("kv/compaction", {"revision": revision, "physical": True})

    def back_up(self) -> Path:
        """A copy of all that etcd holds, which is away for a moment."""
        backup = self.folder / f"backup-{secrets.token_hex(4)}"
        self.etcd.stop()
        shutil.copytree(self.folder / "etcd", backup)
        self._start_etcd_again()
        return backup

    def come_back_from(self, backup: Path) -> None:
        """As after a disaster: all that was done since the backup is gone, and versions count on from there. The backup is used up."""
        self.stop_server()
        self.etcd.stop()
        shutil.rmtree(self.folder / "etcd")
        backup.rename(self.folder / "etcd")
        self._start_etcd_again()
        self.start_server()

    def _start_etcd_again(self) -> None:
        self.etcd = _start_etcd(build.binary("etcd"), self.etcd.port, self.folder)
        servers.wait_until_ready(self.etcd, _etcd_is_ready)

    def _ask_etcd(self, what: str, body: dict[str, object]) -> dict[str, dict[str, object]]:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.etcd.port}/v3/{what}", json.dumps(body).encode())
        with urllib.request.urlopen(asked, timeout=60) as answer:
            said: dict[str, dict[str, object]] = json.load(answer)
        return said

    def _start_server(self, port: int) -> Server:
        return servers.start(build.binary("kube-apiserver"), self._flags(port), port, self.folder)

    def _flags(self, port: int) -> list[str]:
        """The server makes its certificate before it reads keys, so that its own key can sign ServiceAccounts' tokens."""
        certificates = self.folder / "certs"
        return [
            f"--etcd-servers=http://127.0.0.1:{self.etcd.port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--secure-port={port}",
            f"--cert-dir={certificates}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={certificates / 'apiserver.key'}",
            f"--service-account-signing-key-file={certificates / 'apiserver.key'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--authentication-token-webhook-config-file={self.folder / 'people'}",
            "--authentication-token-webhook-version=v1",
            "--authorization-mode=Node,RBAC",
            *kube_audit.flags(self.folder),
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged",
        ]

    def _is_ready(self, port: int) -> bool:
        if not self.ca.exists():
            return False
        asked = urllib.request.Request(
            f"https://127.0.0.1:{port}/readyz", headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            trust = ssl.create_default_context(cafile=self.ca)
            with urllib.request.urlopen(asked, timeout=5, context=trust) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running(folder: Path) -> Iterator[KubeApi]:
    """The pair, ready, with all that it writes below a folder; the API server ends before etcd, and the data go.

    Raises BuildFailed, ServerFailed.
    """
    folder = folder.absolute()
    etcd_program = build.binary("etcd")
    with kube_people.answering() as people:
        etcd = servers.first_ready(lambda port: _start_etcd(etcd_program, port, folder), _etcd_is_ready)
        api = KubeApi(folder, people, etcd)
        try:
            _write_private(folder / "tokens.csv", f'{api.token},admin,admin,"system:masters"\n')
            _write_kubeconfig(folder / "people", people.url)
            kube_audit.begin(folder)
            api.start_server()
            _write_kubeconfig(api.kubeconfig, api.url, api.ca, api.token)
            yield api
        finally:
            api.stop_server()
            api.etcd.stop()
            shutil.rmtree(folder / "etcd", ignore_errors=True)


def _start_etcd(program: Path, port: int, folder: Path) -> Server:
    """Its log entries are 64 MiB from the start, so its data do not stay."""
    address = f"http://127.0.0.1:{port}"
    flags = [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={address}",
        f"--advertise-client-urls={address}",
        "--listen-peer-urls=http://127.0.0.1:0",
        "--unsafe-no-fsync",
        "--election-timeout=100",
        "--heartbeat-interval=10",
        "--log-level=warn",
    ]
    return servers.start(program, flags, port, folder)


def _etcd_is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return bool(json.load(answer)["health"] == "true")
    except (urllib.error.URLError, OSError):
        return False


def _write_kubeconfig(path: Path, url: str, ca: Path | None = None, token: str = "", namespace: str = "") -> None:
    """A kubeconfig is YAML, and JSON is YAML."""
    cluster = {"server": url, **({"certificate-authority": str(ca)} if ca else {})}
    context = {"cluster": "tests", "user": "tests", **({"namespace": namespace} if namespace else {})}
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": {"token": token} if token else {}}],
        "contexts": [{"name": "tests", "context": context}],
        "current-context": "tests",
    }
    _write_private(path, json.dumps(told, indent=2) + "\n")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def main() -> None:
    """Runs the pair in the foreground: the kubeconfig's path on stdout, the rest on stderr, down on Ctrl-C or SIGTERM."""
    argparse.ArgumentParser(description=main.__doc__).parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: what a script starts in the background ignores it
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="brandfarm-kube-") as folder, running(Path(folder)) as api:
            print(api.kubeconfig, flush=True)
            print(f"Kubernetes answers at {api.url}; Ctrl-C ends it. Try it:", file=sys.stderr)
            print(f"$ {build.binary('kubectl')} --kubeconfig {api.kubeconfig} get namespaces", file=sys.stderr)
            signal.pause()
    except KeyboardInterrupt:
        print("The API server and etcd are stopped; nothing of them is left.", file=sys.stderr)
    except (build.BuildFailed, ServerFailed) as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
