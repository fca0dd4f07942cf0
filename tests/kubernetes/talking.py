"""Documents put to a real API server one after another over one connection, and what it says of them."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jobs.manifests import crd, names
from tests.tools.kube import KubeApi

Document = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """An API server's answer."""

    code: int
    body: Document

    @property
    def accepted(self) -> bool:
        """Whether the document would be kept, or is."""
        return self.code in (200, 201)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are wrong, as the server names them."""
        causes = self.body.get("details", {}).get("causes", ())
        named = [cause["field"] for cause in causes if "field" in cause]
        unknown = re.findall(r'unknown field "([^"]+)"', self.message)
        return tuple(re.sub(r"\[([^\]]*[^\]0-9][^\]]*)\]", r".\1", field) for field in (named or unknown))

    @property
    def message(self) -> str:
        """What it says to a person."""
        return str(self.body.get("message", ""))


@dataclass
class Talk:
    """One connection of an administrator, kept open."""

    connection: http.client.HTTPSConnection
    token: str

    def create(self, document: Document, *, dry: bool = True) -> Said:
        """Asks it to create a document; a dry run keeps nothing. Unknown fields are refused, as kubectl asks."""
        return self._say("POST", _place(document), document, dry)

    def replace(self, document: Document, name: str) -> Said:
        """Asks it what it would say of a document in the place of one that is there."""
        return self._say("PUT", f"{_place(document)}/{name}", document, dry=True)

    def _say(self, method: str, place: str, document: Document, dry: bool) -> Said:
        asked = urlencode({"fieldValidation": "Strict", **({"dryRun": "All"} if dry else {})})
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, f"{place}?{asked}", json.dumps(document), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return Said(answer.status, json.loads(text) if text[:1] == b"{" else {"message": text.decode()})


@contextmanager
def talking(api: KubeApi) -> Iterator[Talk]:
    """A connection to a server, closed at the end."""
    trust = ssl.create_default_context(cafile=str(api.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", api.port, context=trust, timeout=60)
    try:
        yield Talk(connection, api.token)
    finally:
        connection.close()


def _place(document: Document) -> str:
    """Where kubectl would put it; a kind or a version that the server does not know has no place."""
    resource = crd.RESOURCES.get(str(document.get("kind")))
    plural = resource.plural if resource else str(document.get("kind")).lower()
    group_version = document.get("apiVersion", names.API_VERSION)
    namespace = document.get("metadata", {}).get("namespace", "default")
    return f"/apis/{group_version}/namespaces/{namespace}/{plural}"
