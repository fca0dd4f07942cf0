"""The controller as a process: light to start, told what it needs, and gone at SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cluster.farm_home import Endpoint, FarmHome
from cluster.folder_store import FolderStore
from jobs.errors import FarmDown, ManifestInvalid
from operators import settings

HEAVY = ("torch", "ray", "PIL", "numpy", "diffusers", "transformers", "peft", "minio", "kubernetes", "fastapi")


def test_it_starts_without_anything_heavy() -> None:
    code = f"import sys, operators.main; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "[]"


def test_without_a_farm_it_says_what_to_do(tmp_path: Path) -> None:
    told = start(tmp_path)
    _, complaint = told.communicate(timeout=60)
    assert told.returncode == 1
    line = json.loads(complaint)
    assert (line["reason"], line["hint"]) == (
        "Unauthorized",
        "`brandfarm up` makes one; on Kubernetes it is mounted from a Secret.",
    )


def test_it_asks_the_dispatcher_with_its_token_and_ends_at_sigterm(tmp_path: Path, dispatcher: Listener) -> None:
    home = FarmHome(tmp_path)
    home.prepare()
    FolderStore(home.store)
    token = home.token()
    process = start(tmp_path, BRANDFARM_DISPATCHER=dispatcher.url)
    try:
        assert dispatcher.asked.wait(timeout=60)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, log
    assert dispatcher.tokens == {f"Bearer {token}"}
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert (events[0], events[-1]) == ("controller starts", "controller stopped")
    assert token not in log


def test_its_settings_come_from_the_environment_and_then_from_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = FarmHome(tmp_path)
    home.prepare()
    monkeypatch.setenv("BRANDFARM_HOME", str(tmp_path))
    chosen = settings.read()
    assert (chosen.manifests, chosen.store_address, chosen.chunk) == (home.manifests, str(home.store), 16)
    with pytest.raises(FarmDown, match="No farm runs"):
        chosen.dispatcher_url  # noqa: B018
    home.announce(Endpoint(dispatcher="http://127.0.0.1:1", ray="", store="", pid=1, started=0.0))
    assert chosen.dispatcher_url == "http://127.0.0.1:1"
    monkeypatch.setenv("BRANDFARM_DISPATCHER", "http://127.0.0.1:2")
    monkeypatch.setenv("BRANDFARM_CHUNK", "many")
    with pytest.raises(ManifestInvalid, match="BRANDFARM_CHUNK"):
        settings.read()
    monkeypatch.setenv("BRANDFARM_CHUNK", "64")
    assert (settings.read().dispatcher_url, settings.read().chunk) == ("http://127.0.0.1:2", 64)


class Listener:
    """An HTTP server in a dispatcher's place: notes who asks, and keeps the question open."""

    def __init__(self) -> None:
        self.asked, self.tokens = threading.Event(), set[str]()
        self._over = threading.Event()
        outer = self

        class Face(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.tokens.add(self.headers["Authorization"])
                outer.asked.set()
                outer._over.wait(timeout=30)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Face)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def dispatcher() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def start(home: Path, **environment: str) -> subprocess.Popen[str]:
    """The controller, with a home and nothing else from our own surroundings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BRANDFARM_")}
    return subprocess.Popen(
        [sys.executable, "-m", "operators.main"],
        env=kept | {"BRANDFARM_HOME": str(home)} | environment,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
