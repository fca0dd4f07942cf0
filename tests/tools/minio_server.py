"""Starts a real MinIO server for tests and the demo, and stops it. Knows nothing of what is kept in it, and no pytest."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.ray_head import free_ports
from tests.tools import build

ACCESS_KEY = "brandfarm-tests"
SECRET_KEY = "only/for+tests"
START_SECONDS = 60


class ServerFailed(Exception):
    """The server did not come up; the message holds what it said."""


@dataclass(frozen=True)
class MinioServer:
    """A server on this machine: `host:port`, its root credentials, its process."""

    endpoint: str
    process: subprocess.Popen[bytes]
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    def url(self, bucket: str, endpoint: str = "") -> str:
        """The address of a bucket without credentials, perhaps through another door such as a proxy."""
        return f"http://{endpoint or self.endpoint}/{bucket}"

    def url_with_credentials(self, bucket: str) -> str:
        """The address of a bucket that says who asks."""
        secret = self.secret_key.replace("/", "%2F").replace("+", "%2B")
        return f"minio://{self.access_key}:{secret}@{self.endpoint}/{bucket}"

    def freeze(self) -> None:
        """Leaves the server there, silent."""
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """Ends the server, frozen or not; stopping it twice is harmless."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> Iterator[MinioServer]:
    """A real server that keeps its objects below a folder. Raises BuildFailed, ServerFailed."""
    server = start(folder, access_key, secret_key)
    try:
        yield server
    finally:
        server.stop()


def start(folder: Path, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> MinioServer:
    """Starts a server and waits until it is ready; another program may snatch the port, hence three tries."""
    program = build.binary("minio")
    for _ in range(3):
        server = _started(program, folder, f"127.0.0.1:{free_ports(1)[0]}", access_key, secret_key)
        if _became_ready(server):
            return server
        server.stop()
    raise ServerFailed(f"MinIO did not start; it said:\n{(folder / 'log').read_text()[-2000:]}")


def _started(program: Path, folder: Path, endpoint: str, access_key: str, secret_key: str) -> MinioServer:
    command: list[str | Path] = [
        program,
        "server",
        folder / "objects",
        "--address",
        endpoint,
        "--console-address",
        "127.0.0.1:0",
    ]
    environment = {
        "HOME": str(folder),
        "MINIO_ROOT_USER": access_key,
        "MINIO_ROOT_PASSWORD": secret_key,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "PATH": os.environ.get("PATH", ""),
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return MinioServer(endpoint, process, access_key, secret_key)


def _became_ready(server: MinioServer) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.process.poll() is None and time.monotonic() < deadline:
        if _is_ready(server):
            return True
        time.sleep(0.05)
    return False


def _is_ready(server: MinioServer) -> bool:
    try:
        with urllib.request.urlopen(f"http://{server.endpoint}/minio/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
