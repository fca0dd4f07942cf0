"""A door in front of a server that spoils the answers to conditional PUTs, as a network does. Knows HTTP's first lines only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum


class Mishap(Enum):
    """What befalls one conditional PUT."""

    REPLY_LOST = "the server did it, and its answer is cut off"
    REQUEST_LOST = "the server never hears of it"
    REPLY_IS_503 = "the server did it, and a gateway says 503"
    REPLY_IS_409 = "a gateway says 409 and the server never hears of it"


_ANSWERS = {Mishap.REPLY_IS_503: b"503 Service Unavailable", Mishap.REPLY_IS_409: b"409 Conflict"}


class Proxy:
    """Passes everything on to a server but what the coming mishaps are for, each of them once."""

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
                mishap = self._mishap_of(request)
                answer = b"" if mishap in (Mishap.REQUEST_LOST, Mishap.REPLY_IS_409) else _asked(server, request)
                if mishap in (Mishap.REPLY_LOST, Mishap.REQUEST_LOST):
                    return
                client.sendall(_spoiled(mishap) if mishap else answer)

    def _mishap_of(self, request: bytes) -> Mishap | None:
        if not (request.startswith(b"PUT ") and b"if-none-match: *" in request.lower()):
            return None
        self.conditional_puts += 1
        return self.mishaps.pop(0) if self.mishaps else None


@contextmanager
def in_front_of(server: str) -> Iterator[Proxy]:
    """A proxy before `host:port`, closed at the end."""
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()


def _asked(server: socket.socket, request: bytes) -> bytes:
    server.sendall(request)
    return _message(server, answers_head=request.startswith(b"HEAD "))


def _spoiled(mishap: Mishap) -> bytes:
    return b"HTTP/1.1 " + _ANSWERS[mishap] + b"\r\nContent-Length: 0\r\n\r\n"


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
        message += end.recv(65536)
    return message


def _content_length(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0
