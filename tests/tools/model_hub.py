"""A server that speaks the few words of the model hub that its client asks for, and can break off. For tests."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0f" * 20
MODEL = "org/ink"


@dataclass
class Hub:
    """One model at one commit. `gated`: its files are; `breaks`: files whose first download ends half-way."""

    files: dict[str, bytes]
    gated: bool = False
    breaks: set[str] = field(default_factory=set)
    lies_about: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    ranges: list[str] = field(default_factory=list)
    url: str = ""

    def listing(self) -> bytes:
        """What the hub's API says of the model."""
        siblings = [self._sibling(name, data) for name, data in self.files.items()]
        return json.dumps({"id": MODEL, "sha": COMMIT, "siblings": siblings}).encode()

    def _sibling(self, name: str, data: bytes) -> dict[str, object]:
        told: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
        if name.endswith(".safetensors"):
            digest = hashlib.sha256(b"other" if name in self.lies_about else data).hexdigest()
            told["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
        return told


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def _answer(self, *, has_body: bool) -> None:
        path = self.path.partition("?")[0]
        resolved = f"/{MODEL}/resolve/{COMMIT}/"
        if path == f"/api/models/{MODEL}/revision/{COMMIT}":
            self._send(200, self.hub.listing(), has_body)
        elif path.startswith(f"/api/models/{MODEL}/"):
            self._refuse(404, "RevisionNotFound")
        elif not path.startswith(resolved):
            self._refuse(401, "RepoNotFound")
        elif self.hub.gated:
            self._refuse(403, "GatedRepo")
        else:
            self._file(path.removeprefix(resolved), has_body)

    def _file(self, name: str, has_body: bool) -> None:
        data = self.hub.files[name]
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if begin:
            self.hub.ranges.append(name)
        if has_body:
            self.hub.asked[name] += 1
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        is_broken = has_body and name in self.hub.breaks
        self._send(206 if begin else 200, data[begin:], has_body, headers, cut=len(data) // 2 if is_broken else None)
        if is_broken:
            self.hub.breaks.discard(name)
            self.close_connection = True

    def _send(
        self, status: int, body: bytes, has_body: bool, headers: dict[str, str] | None = None, cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if has_body:
            self.wfile.write(body[:cut])

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"", False, {"X-Error-Code": code, "X-Error-Message": "no"})

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub while it answers at `url`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Answers", (_Answer,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
