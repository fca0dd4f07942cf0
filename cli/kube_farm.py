"""The farm behind a kube context, as a person's terminal asks it: manifests of the API server, dispatcher and store of its chart.

Each question goes to the server anew; nothing is cached but where the farm is. Manifests need neither dispatcher nor store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cli import kube_store
from cli.dispatcher_questions import DispatcherQuestions
from cli.farm import Document, Progress
from cluster import documents, farm_home, uploads
from cluster.client import DispatcherClient
from cluster.kube import direct, installed, paths, rights
from cluster.kube.client import KubeClient
from cluster.kube.installed import Installed
from cluster.kube.service_proxy import ServiceProxy
from jobs.bases.catalogue import Catalogue, Listed
from jobs.errors import (
    DispatcherUnavailable,
    FarmError,
    Forbidden,
    NotFound,
    StoreError,
)
from jobs.ports import ObjectStore

Answer = TypeVar("Answer")


class KubeFarm(DispatcherQuestions):
    """A farm whose manifests are in a Kubernetes API server. `farm_namespace` as installed.find takes it."""

    def __init__(
        self,
        context: str,
        farm_namespace: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        kubeconfig: Path | None = None,
    ) -> None:
        self.context, self._farm_namespace = context, farm_namespace
        self._environment, self._kubeconfig = environment or {}, kubeconfig
        self._runner = asyncio.Runner()
        self._found: Installed | None = None

    def close(self) -> None:
        """Let go of the connections."""
        if "_client" in self.__dict__:
            self._runner.run(self._client.close())
        self._runner.close()

    @property
    def place(self) -> str:
        """The context."""
        return f"context {self.context}"

    @property
    def usual_namespace(self) -> str:
        """The context's own."""
        return self._client.namespace

    @property
    def how_to_wake(self) -> str:
        """What finds out why it does not work."""
        return f"`brandfarm doctor --context {self.context}` says why."

    def person(self) -> str:
        """The name under which the API server knows who asks."""
        return self.ask(rights.who)

    def exists(self) -> bool:
        """A cluster stands; whether it knows our kinds, the first question says."""
        return True

    def is_up(self) -> bool:
        """Whether the dispatcher answers; where this person may not ask it, nothing speaks against it."""
        try:
            return self.ask(self._is_ready)
        except Forbidden:
            return True
        except FarmError:
            return False

    def documents(self, kind: str, namespace: str | None = None) -> list[Document]:
        """All manifests of a kind. Raises Forbidden where this person may not list them there."""
        found = self.ask(lambda client: direct.listed(client, paths.collection(kind, namespace)))
        return sorted(found, key=lambda one: (one["metadata"]["namespace"], one["metadata"]["name"]))

    def document(self, kind: str, namespace: str, name: str) -> Document:
        """One manifest. Raises NotFound."""
        return direct.shown(self.ask(lambda client: client.get(paths.one(kind, namespace, name))))

    def create(self, document: Document) -> Document:
        """A new manifest. Raises Conflict, ManifestInvalid with what the server says of each field, Forbidden."""
        path = paths.collection(document["kind"], documents.namespace_of(document))
        return direct.shown(self.ask(lambda client: client.create(path, direct.declared(document))))

    def replace(self, document: Document) -> Document:
        """A new spec; labels and annotations that others wrote stay. Raises NotFound, Conflict, ManifestInvalid, Forbidden."""
        return direct.shown(self.ask(lambda client: direct.replaced(client, document)))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a manifest. Raises NotFound."""
        self.ask(lambda client: client.delete(paths.one(kind, namespace, name)))

    def troubles(self) -> list[str]:
        """None that could be seen from here; `brandfarm doctor` looks closer."""
        return []

    def upload(self, folder: Path, progress: Progress | None = None) -> str:
        """Keeps a folder's files in the store; their address. Raises SourceUnreadable."""
        return uploads.write_upload(self.store, folder, progress)

    @cached_property
    def store(self) -> ObjectStore:
        """The farm's store, as this person reaches it. Raises StoreError where its address or its keys are missing."""
        return kube_store.open_store(self._environment, self.installed, self._secret)

    def catalogue(self) -> Catalogue:
        """The shipped bases, and those of the store; without the store only questions about shipped ones have an answer."""
        try:
            return Catalogue(self.store)
        except StoreError as away:
            return _ShippedOnly(away)

    @property
    def staging(self) -> Path:
        """A folder in this person's cache."""
        return farm_home.default_bases().parent / "staging"

    def installed(self) -> Installed:
        """Where the farm is. Raises NotFound where there is none or several, Forbidden."""
        return self.ask(self._installed)

    def ask(self, question: Callable[[KubeClient], Awaitable[Answer]]) -> Answer:
        """The answer to a question that is put to the API server. Raises as KubeClient does."""
        client = self._client  # opened by the same runner, so not within the question

        async def asked() -> Answer:
            return await question(client)

        return self._runner.run(asked())

    @cached_property
    def _client(self) -> KubeClient:
        return self._runner.run(KubeClient.of_kubeconfig(self._kubeconfig, self.context).__aenter__())

    def _secret(self, found: Installed, name: str) -> dict[str, str]:
        return self.ask(lambda client: installed.secret(client, found.namespace, name))

    async def _installed(self, client: KubeClient) -> Installed:
        if self._found is None:
            self._found = await installed.find(client, self._farm_namespace)
        return self._found

    def ask_dispatcher(self, question: Callable[[DispatcherClient], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to a question. Raises DispatcherUnavailable, also where this person may not ask."""

        async def asked(client: KubeClient) -> Answer:
            token = await self._token(client)
            try:
                async with await self._dispatcher(client, token) as dispatcher:
                    return await question(dispatcher)
            except Forbidden as no:
                raise DispatcherUnavailable(no.message, hint=no.hint, retryable=False) from no

        return self.ask(asked)

    async def _is_ready(self, client: KubeClient) -> bool:
        """Its probe wants no token."""
        async with await self._dispatcher(client, "none") as dispatcher:
            return await dispatcher.is_ready()

    async def _dispatcher(self, client: KubeClient, token: str) -> DispatcherClient:
        found = await self._installed(client)
        proxy = ServiceProxy(client, found.namespace, found.dispatcher_service)
        return DispatcherClient(f"http://{found.dispatcher_service}", token, transport=proxy, is_passed_on=True)

    async def _token(self, client: KubeClient) -> str:
        """The dispatcher's token. Raises DispatcherUnavailable with what goes on without it."""
        try:
            found = await self._installed(client)
            held = await installed.secret(client, found.namespace, found.dispatcher_secret)
            return held[found.dispatcher_secret_key]
        except (Forbidden, NotFound, KeyError) as missing:
            told = missing.message if isinstance(missing, FarmError) else f"its Secret has no key {missing}."
            raise DispatcherUnavailable(
                f"The dispatcher cannot be asked without its token: {told}",
                hint="Ask for the Role NAME-caller in the farm's namespace. Manifests and the store need no dispatcher.",
                retryable=False,
            ) from missing


class _ShippedOnly(Catalogue):
    """The catalogue of a farm whose store is out of reach: what is asked about other bases than shipped ones raises."""

    def __init__(self, away: StoreError) -> None:
        super().__init__(None)
        self._away = away

    def _read(self) -> Mapping[str, tuple[Listed, ...]]:
        raise self._away
