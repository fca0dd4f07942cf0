"""Starts a real MinIO server for tests and the demo, and stops it. Knows nothing of what is kept in it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """One real MinIO server for all tests of a session; each takes a bucket of its own. Built on first use."""
    with running(tmp_path_factory.mktemp("minio")) as server:
        yield server


@contextmanager
def running(folder: Path) -> Iterator[MinioServer]:
    """A real server that keeps its objects below a folder. Raises BuildFailed, ServerFailed."""
    server = start(folder)
    try:
        yield server
    finally:
        server.stop()


def start(folder: Path) -> MinioServer:
    """Starts a server and waits until it is ready; another program may snatch the port, hence three tries."""
    program = build.binary("minio")
    for _ in range(3):
        server = _started(program, folder, f"127.0.0.1:{_free_port()}")
        if _became_ready(server):
            return server
        server.stop()
    raise ServerFailed(f"MinIO did not start; it said:\n{(folder / 'log').read_text()[-2000:]}")


def _started(program: Path, folder: Path, endpoint: str) -> MinioServer:
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
        "MINIO_ROOT_USER": ACCESS_KEY,
        "MINIO_ROOT_PASSWORD": SECRET_KEY,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "PATH": os.environ.get("PATH", ""),
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return MinioServer(endpoint, process)


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
