"""One real server program on this machine: started on a leash, waited for, frozen, stopped. Knows no particular server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.ray_head import free_ports
from tests.tools import leash

START_SECONDS = 90
STOP_SECONDS = 10
TRIES = 3


class ServerFailed(Exception):
    """A server did not come up; the message holds what it said."""


@dataclass(frozen=True)
class Server:
    """A started program, which may not be ready yet, the port that it was given, and the file that it writes to."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        """A signal for the program and its leash, if they are still there."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Asks it to end, insists after a while, and waits until it is gone; stopping it twice is harmless."""
        held = self._program()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.kill()
        psutil.wait_procs(held, STOP_SECONDS)

    def kill(self) -> None:
        """Ends it at once, frozen or not."""
        held = self._program()
        self.send(signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(held, STOP_SECONDS)  # its port and its files are free once it is gone
        if self.process.stdin is not None:
            self.process.stdin.close()

    def _program(self) -> list[psutil.Process]:
        """What the leash holds."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []


def start(program: Path, arguments: Sequence[str], port: int, folder: Path) -> Server:
    """The program on its way, in a session of its own, so that Ctrl-C in a terminal does not reach it before its starter."""
    log = folder / f"{program.name}.log"
    command = [sys.executable, "-I", "-S", leash.__file__, str(program), *arguments]
    environment = {"HOME": str(folder), "PATH": os.environ.get("PATH", "")}
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True
        )
    return Server(program.name, port, process, log)


def first_ready(started: Callable[[int], Server], is_ready: Callable[[int], bool]) -> Server:
    """The first that becomes ready, each on another free port: one may be snatched, hence three tries. Raises ServerFailed."""
    for _ in range(TRIES):
        server = started(free_ports(1)[0])
        try:
            wait_until_ready(server, is_ready)
            return server
        except ServerFailed as failed:
            said = failed
    raise said


def wait_until_ready(server: Server, is_ready: Callable[[int], bool]) -> None:
    """Returns once it answers; one that does not, or whose wait is broken off, is ended. Raises ServerFailed."""
    deadline = time.monotonic() + START_SECONDS
    try:
        while server.process.poll() is None and time.monotonic() < deadline:
            if is_ready(server.port):
                return
            time.sleep(0.05)
    except BaseException:
        server.kill()
        raise
    server.kill()
    raise ServerFailed(f"{server.name} did not start; it said:\n{server.log.read_text(errors='replace')[-3000:]}")
