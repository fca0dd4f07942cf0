"""A door in front of a server that spoils requests and answers, as a network does. Knows HTTP's first lines only.

Named mishaps befall the coming conditional PUTs, each of them once; under a `Weather`, chance spoils whatever passes.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.store.weather import REACHES_THE_SERVER, Mishap, Weather, refusal

__all__ = ["Mishap", "Proxy", "Weather", "in_front_of"]

LATE_SECONDS = 0.15
"""How long a late request is under way after its client was cut off; enough for others to come in between."""


class Proxy:
    """Passes everything on to a server but what mishaps are for: those named, each of them once, and the weather's."""

    def __init__(self, server: str) -> None:
        host, port = server.rsplit(":", 1)
        self._server = (host, int(port))
        self._door = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.endpoint = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.mishaps: list[Mishap] = []
        self.conditional_puts = 0
        self.turned_away = 0
        """So many of the next requests find their connection closed, whatever they ask."""
        self.weather: Weather | None = None
        self.is_full = False
        """Whether every PUT is refused as by a server whose disks are full."""
        self.taken: Counter[str] = Counter()
        """By path, how often the server took a PUT, whatever its caller was told."""
        self._spawn(self._welcome)

    def close(self) -> None:
        """Closes every connection and waits for its threads."""
        for end in [self._door, *self._open]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join()

    def _spawn(self, deed: object, *ends: object) -> None:
        thread = threading.Thread(target=deed, args=ends)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _welcome(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                self._open.append(client)
                self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One client's connection: a request, its answer, the next request."""
        with client, suppress(OSError), socket.create_connection(self._server) as server:
            self._open.append(server)
            while request := _message(client):
                if self.turned_away:
                    self.turned_away -= 1
                    return
                is_refused = self.is_full and request.startswith(b"PUT ")
                mishap = Mishap.DISK_FULL if is_refused else self._mishap_of(request)
                if not self._answer(client, server, request, mishap):
                    return

    def _answer(self, client: socket.socket, server: socket.socket, request: bytes, mishap: Mishap | None) -> bool:
        """Whether the client's connection goes on."""
        if mishap is Mishap.REQUEST_LATE:
            self._spawn(self._send_late, request)
        if mishap is Mishap.REQUEST_CUT:
            server.sendall(request[: len(request) // 2])
        answer = self._asked(server, request) if mishap is None or mishap in REACHES_THE_SERVER else b""
        if mishap is Mishap.REPLY_CUT:
            client.sendall(answer[: len(answer) // 2])
        if mishap is not None:
            answer = refusal(mishap, is_head=request.startswith(b"HEAD "))
        client.sendall(answer)
        return bool(answer)

    def _send_late(self, request: bytes) -> None:
        time.sleep(LATE_SECONDS)
        with suppress(OSError), socket.create_connection(self._server) as server:
            self._open.append(server)
            self._asked(server, request)

    def _asked(self, server: socket.socket, request: bytes) -> bytes:
        server.sendall(request)
        answer = _message(server, answers_head=request.startswith(b"HEAD "))
        if request.startswith(b"PUT ") and answer.startswith(b"HTTP/1.1 200"):
            self.taken[request.split(b" ", 2)[1].decode()] += 1
        return answer

    def _mishap_of(self, request: bytes) -> Mishap | None:
        is_conditional = request.startswith(b"PUT ") and b"if-none-match: *" in request.lower()
        self.conditional_puts += is_conditional
        if is_conditional and self.mishaps:
            return self.mishaps.pop(0)
        if self.weather is None:
            return None
        mishap, delay_seconds = self.weather.fate()
        time.sleep(delay_seconds)
        return mishap


@contextmanager
def in_front_of(server: str) -> Iterator[Proxy]:
    """A proxy before `host:port`, closed at the end."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()


def _message(end: socket.socket, answers_head: bool = False) -> bytes:
    """One whole HTTP message (its length is in its head), or nothing where the connection ends."""
    message = b""
    while b"\r\n\r\n" not in message:
        more = end.recv(65536)
        if not more:
            return b""
        message += more
    head = message.split(b"\r\n\r\n")[0]
    whole = len(head) + 4 + (0 if answers_head else _content_length(head))
    while len(message) < whole:
        more = end.recv(65536)
        if not more:
            return b""
        message += more
    return message


def _content_length(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0
