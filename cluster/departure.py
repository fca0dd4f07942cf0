"""How a worker hears, on its own machine, that its node is to go: a socket of its own in a folder that only its user can open.

Needs no Ray, no dispatcher and no token, so that a farm whose head is gone keeps its checkpoints too. `cluster.drain` knocks.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.worker import Leaving
from jobs.errors import FarmError

ANSWER_SECONDS = 5.0
FOLDER = "BRANDFARM_DOORS"


@dataclass(frozen=True)
class Answer:
    """What a worker that was told to leave still has to do."""

    worker: str
    leaving: Leaving


def folder() -> Path:
    """Where the workers of this machine, or of this pod, have their sockets; made if need be."""
    place = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / f"brandfarm-{os.getuid()}-doors")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.stat().st_uid != os.getuid():
        raise FarmError(f"{place} belongs to somebody else.", hint=f"Let {FOLDER} name a folder of this user's own.")
    return place


def open_door(worker: str, leave: Callable[[], Leaving], place: Path) -> None:
    """Listen for as long as this process lives; whoever connects tells the worker to leave, and hears what is left to do."""

    class Door(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(json.dumps({"worker": worker, **asdict(leave())}).encode())

    path = place / f"{os.getpid()}.sock"
    path.unlink(missing_ok=True)
    server = socketserver.ThreadingUnixStreamServer(str(path), Door)
    threading.Thread(target=server.serve_forever, name=f"door-{worker}", daemon=True).start()


def knock(place: Path) -> list[Answer]:
    """Tell every worker here to leave; what each says. The door of one that has ended is taken away."""
    return [answer for path in sorted(place.glob("*.sock")) if (answer := _ask(path)) is not None]


def _ask(path: Path) -> Answer | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(ANSWER_SECONDS)
        try:
            caller.connect(str(path))
            said = json.loads(caller.makefile("rb").read())
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return None
        except (ConnectionError, FileNotFoundError, json.JSONDecodeError):
            return None  # it ended while it was asked
        except TimeoutError:
            return Answer(path.stem, Leaving(held=1, untold=0))  # it is there, and perhaps very busy
    return Answer(said["worker"], Leaving(held=said["held"], untold=said["untold"]))
