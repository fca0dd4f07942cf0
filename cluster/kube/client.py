"""Raw JSON requests to one Kubernetes API server: documents, pages of lists, the lines of a watch.

The library holds the credentials and the connections; refusals come as the farm's own errors.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlencode

import aiohttp

from cluster.documents import Document
from cluster.kube import paths, refusals
from cluster.kube.access import Access, KubeconfigAccess, PodAccess
from cluster.kube.connections import Connections
from cluster.kube.paths import Deed
from jobs.errors import ApiServerUnavailable, FarmError

ANSWER_SECONDS = 30.0
CONNECT_SECONDS = 5.0
PAGE = 500
"""Documents in one page of a list; client-go's default."""

ATTEMPTS = 5
"""How often an overrun server is asked in all; it says itself how long to wait."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"  # JSON is YAML; servers before 1.32 know no other name for it
MERGE = "application/merge-patch+json"

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What a server said, whatever it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class KubeClient:
    """One API server. Every method raises ApiServerUnavailable, Unauthorized, Forbidden, ContextUnknown."""

    def __init__(self, access: Access, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._access, self._sleep = access, sleep
        self._connections: Connections | None = None

    @classmethod
    def of_pod(cls) -> Self:
        """The cluster that this process runs in."""
        return cls(PodAccess())

    @classmethod
    def of_kubeconfig(cls, path: Path | None = None, context: str = "") -> Self:
        """A context of a kubeconfig; read when something is first asked."""
        return cls(KubeconfigAccess(path, context))

    async def __aenter__(self) -> Self:
        await self._access.refresh()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._connections is not None:
            await self._connections.close()
            self._connections = None

    @property
    def namespace(self) -> str:
        """Where things go that name no namespace; known inside `async with`."""
        return self._access.namespace

    @property
    def server(self) -> str:
        """The server's address; known inside `async with`."""
        return str(self._access.configuration.host)

    async def get(self, path: str, **query: str | int) -> Document:
        """One document, or one list. Raises NotFound."""
        return await self._ask("GET", path, query)

    async def create(self, path: str, document: Document, **query: str | int) -> Document:
        """A new document in a collection. Raises Conflict where the name is taken, ManifestInvalid."""
        return await self._ask("POST", path, query, document)

    async def replace(self, path: str, document: Document, **query: str | int) -> Document:
        """Another document in the place of the one whose resourceVersion it names. Raises Conflict, NotFound, ManifestInvalid."""
        return await self._ask("PUT", path, query, document)

    async def apply(self, path: str, document: Document, manager: str) -> Document:
        """Server-side apply: exactly these fields are the manager's. Raises Conflict where the uid is another."""
        return await self._ask("PATCH", path, {"fieldManager": manager, "force": "true"}, document, APPLY)

    async def merge(self, path: str, patch: Document) -> Document:
        """A JSON merge patch. Raises NotFound."""
        return await self._ask("PATCH", path, {}, patch, MERGE)

    async def delete(self, path: str) -> Document:
        """Drop a document: a Status where it is gone, the document where something still holds it. Raises NotFound."""
        return await self._ask("DELETE", path, {})

    async def pages(self, path: str, limit: int = PAGE) -> AsyncGenerator[Document, None]:
        """A list in pages, all of one version. Raises Expired where that version was forgotten between two pages."""
        more: dict[str, str | int] = {}
        while True:
            page = await self.get(path, limit=limit, **more)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            more = {"continue": token}

    async def watch(
        self, path: str, version: str, *, timeout_seconds: int, silence_seconds: float
    ) -> AsyncGenerator[Document, None]:
        """What happens after a version, event by event, until the server ends it.

        Raises Expired, and ApiServerUnavailable where the connection breaks or is silent for so long.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        deed = paths.deed_of("GET", path, is_watch=True)
        patience = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence_seconds)
        answer = await self._send("GET", path, {**query, "timeoutSeconds": timeout_seconds}, patience=patience)
        try:
            if answer.status != 200:
                raise refusals.error_of(answer.status, await _within(answer.read(), deed), deed)
            async for line in _lines(answer, deed):
                yield _document(line, deed)
        finally:
            _hang_up(answer)

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> Answer:
        """One request as it is, whatever its status: for what stands behind the server, such as a service."""
        patience = aiohttp.ClientTimeout(total=answer_seconds, sock_connect=CONNECT_SECONDS)
        deed = paths.deed_of(method, path)
        answer = await self._send(method, path, query or {}, body, headers, patience=patience)
        try:
            return Answer(answer.status, answer.headers, await _within(answer.read(), deed))
        except BaseException:
            _hang_up(answer)
            raise

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        document: Document | None = None,
        content_type: str = JSON,
    ) -> Document:
        """Asks until the server is not overrun any more: what it refuses so (429) it has not begun to do."""
        body = None if document is None else json.dumps(document).encode()
        for attempt in range(1, ATTEMPTS + 1):
            answer = await self.raw(method, path, query=query, body=body, headers={"Content-Type": content_type})
            if answer.status < 300:
                return _document(answer.body, paths.deed_of(method, path))
            if answer.status != 429 or attempt == ATTEMPTS:
                break
            await self._sleep(refusals.wait_seconds(answer.headers))
        raise refusals.error_of(answer.status, answer.body, paths.deed_of(method, path))

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        patience: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        await self._access.refresh()
        configuration = self._access.configuration
        if self._connections is None:
            self._connections = Connections(configuration)
        token = await configuration.get_api_key_with_prefix("BearerToken")
        credentials = {"Authorization": token.strip()} if token else {}
        request = self._connections.session.request(
            method,
            f"{configuration.host}{path}" + (f"?{urlencode(query)}" if query else ""),
            data=body,
            headers={"Accept": JSON, "User-Agent": "brandfarm", **(headers or {}), **credentials},
            timeout=patience,
            proxy=configuration.proxy,
            server_hostname=configuration.tls_server_name,
            allow_redirects=False,  # credentials go to this server and no other
        )
        return await _within(request, paths.deed_of(method, path))


def _hang_up(answer: aiohttp.ClientResponse) -> None:
    """Ends a watch at once: a farewell by TLS would be waited for beyond the end of the loop."""
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()
    answer.close()


async def _within(asked: Awaitable[T], deed: Deed) -> T:
    """The answer, or what a broken or silent connection means."""
    try:
        return await asked
    except (aiohttp.ClientError, TimeoutError, OSError) as broken:
        raise _away(deed, broken) from broken


def _away(deed: Deed, broken: Exception) -> FarmError:
    how = "no answer in time" if isinstance(broken, TimeoutError) else f"{type(broken).__name__}: {broken}"
    return ApiServerUnavailable(
        f"The API server cannot be reached to {deed}: {how}",
        hint="It is tried again by itself; `kubectl get --raw /readyz` says whether you reach it.",
    )


async def _lines(answer: aiohttp.ClientResponse, deed: Deed) -> AsyncGenerator[bytes, None]:
    """Whole lines; what a cut connection leaves of the last one is nothing."""
    held = b""
    pieces = answer.content.iter_any()
    while piece := await _within(anext(pieces, b""), deed):
        *lines, held = (held + piece).split(b"\n")
        for line in lines:
            yield line


def _document(text: bytes, deed: Deed) -> Document:
    """A document or an event; half a line, or a page that somebody between us and the server wrote, is no answer."""
    try:
        return dict(json.loads(text))
    except ValueError as broken:
        raise _away(deed, broken) from broken
