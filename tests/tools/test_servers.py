"""A server that a test starts is waited for, says why it did not come up, and is gone when the test is, however it ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.tools import servers

SHELL = Path("/bin/sh")
KILLED_STARTER = """
import os, signal, sys
from pathlib import Path
from tests.tools import servers
servers.start(Path("/bin/sh"), ["-c", "echo $$; exec sleep 600"], 1, Path(sys.argv[1]))
while not Path(sys.argv[1], "sh.log").read_text(): pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_ends_with_a_starter_that_was_killed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_STARTER, tmp_path], check=False)
    pid = int((tmp_path / "sh.log").read_text())
    _wait_until(lambda: not psutil.pid_exists(pid))


def test_a_server_that_ends_says_why_after_three_tries(tmp_path: Path) -> None:
    with pytest.raises(servers.ServerFailed, match=r"sh did not start; it said:\n(the port is taken\n){3}$"):
        servers.first_ready(_shell("echo the port is taken; exit 3", tmp_path), lambda _port: False)


def test_another_port_is_tried_where_the_first_was_snatched(tmp_path: Path) -> None:
    ports: list[int] = []

    def started(port: int) -> servers.Server:
        ports.append(port)
        return _shell("exit 1" if len(ports) == 1 else "exec sleep 600", tmp_path)(port)

    server = servers.first_ready(started, lambda port: port != ports[0])
    assert server.port == ports[1] != ports[0]
    server.stop()


def test_a_server_that_will_not_end_is_made_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "STOP_SECONDS", 0.1)
    server = _shell("trap '' TERM; echo up; while :; do sleep 0.1; done", tmp_path)(1)
    _wait_until(lambda: server.log.read_text() == "up\n")
    program = psutil.Process(server.process.pid).children()[0]
    server.stop()
    server.stop()
    _wait_until(lambda: not program.is_running())


def _shell(script: str, folder: Path) -> Callable[[int], servers.Server]:
    return lambda port: servers.start(SHELL, ["-c", script], port, folder)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
