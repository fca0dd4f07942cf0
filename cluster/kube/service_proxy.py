"""Reaches a Service of a cluster from outside, through the API server's own proxy: no port is opened, no tunnel kept.

The server keeps `Authorization` to itself, so whoever is asked must take its token under another name.
"""

from __future__ import annotations

import json
from typing import Any

import httpx

from cluster.kube import paths, refusals
from cluster.kube.client import Answer, KubeClient
from jobs.errors import DispatcherUnavailable, FarmError, Forbidden

PORT = "http"
_PASSED_ON = ("content-type", "x-brandfarm-token")
_OWN = {"content-length", "content-encoding", "transfer-encoding", "connection"}


class ServiceProxy(httpx.AsyncBaseTransport):
    """A transport to one Service; raises Forbidden, and DispatcherUnavailable where no pod stands behind it."""

    def __init__(self, client: KubeClient, namespace: str, service: str) -> None:
        self._client, self._namespace, self._service = client, namespace, service

    @property
    def base(self) -> str:
        """The path on the API server below which the service answers."""
        return f"/api/v1/namespaces/{self._namespace}/services/{self._service}:{PORT}/proxy"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes one request on, and its answer back."""
        body = await request.aread()
        told = await self._client.raw(
            request.method,
            self.base + request.url.path,
            query=dict(request.url.params),
            body=body or None,
            headers={name: value for name, value in request.headers.items() if name.lower() in _PASSED_ON},
        )
        refused = _of_the_server(told)
        if refused is not None:
            raise self._error(request.method, told, refused)
        headers = {name: value for name, value in told.headers.items() if name.lower() not in _OWN}
        return httpx.Response(told.status, headers=headers, content=told.body, request=request)

    def _error(self, method: str, told: Answer, refused: dict[str, Any]) -> FarmError:
        """What the API server itself says, in words about the dispatcher."""
        message = str(refused.get("message", "it does not say why")).rstrip(". ") + "."
        if told.status == 403:
            return Forbidden(
                f"You may not reach the dispatcher through the API server: {message}",
                hint=f"Ask for the Role {self._service.removesuffix('-dispatcher')}-caller in namespace {self._namespace}. "
                "Manifests and the store need no dispatcher.",
            )
        if told.status in (404, 502, 503, 504):
            return DispatcherUnavailable(
                f"The dispatcher behind Service {self._namespace}/{self._service} does not answer: {message}",
                hint=f"`kubectl -n {self._namespace} get pods` shows the head's pod; after a start it takes a minute.",
            )
        return refusals.error_of(told.status, told.body, paths.deed_of(method, self.base))


def _of_the_server(told: Answer) -> dict[str, Any] | None:
    """The Status that Kubernetes itself wrote; None where the service answered."""
    if told.status < 400:
        return None
    try:
        said = json.loads(told.body)
    except ValueError:
        return {"message": told.body.decode(errors="replace")[:300]} if told.status in (502, 503, 504) else None
    return said if isinstance(said, dict) and said.get("kind") == "Status" else None
