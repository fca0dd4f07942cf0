"""Says to a real API server which person a token belongs to (its token webhook), so that tests can bring people along as they go."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class People:
    """Those that the API server is to know, by their tokens."""

    url: str = ""
    known: dict[str, dict[str, object]] = field(default_factory=dict)

    def token(self, name: str, groups: Sequence[str] = ()) -> str:
        """A new token for a person of that name in those groups."""
        token = secrets.token_urlsafe(24)
        self.known[token] = {"username": name, "groups": list(groups)}
        return token

    def review(self, token: str) -> dict[str, object]:
        """The answer to a TokenReview."""
        user = self.known.get(token)
        status = {"authenticated": True, "user": user} if user else {"authenticated": False}
        return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}


@contextmanager
def answering() -> Iterator[People]:
    """People whom an API server can ask about at `url`, until the block ends."""
    people = People()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(people))
    people.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield people
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(people: People) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(people.review(asked["spec"]["token"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line."""

    return Handler
