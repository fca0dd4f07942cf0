"""Manifests in a Kubernetes API server, behind the same port as those in a file: read from a mirror, written to the server.

Whoever reads sees at least what this process wrote. Whether a spec is sound is the server's to say.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NoReturn

from cluster import documents
from cluster.documents import Document
from cluster.kube import paths
from cluster.kube.client import KubeClient
from cluster.kube.mirror import LAST_APPLIED, Mirror, pruned
from cluster.kube.news import News
from cluster.kube.reflector import Patience, Reflector
from cluster.ports import Change
from jobs.errors import Conflict, NotFound
from jobs.manifests import API_VERSION

CONTROLLER = "brandfarm-controller"
"""The field manager of every status; what it no longer says of a status is gone."""

EDITOR = "brandfarm"
RACES = 5
"""How often a change that names no version is tried again after somebody else's."""

Documents = list[Document]
Names = list[tuple[str, str]]
Changes = list[Change]


class KubeManifests:
    """The Manifests port over one API server. `run` must be running; every method waits until all is listed once."""

    def __init__(
        self,
        client: KubeClient,
        namespaces: Sequence[str] = (),
        *,
        patience: Patience | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._client, self._news = client, News()
        self._all_is_listed = asyncio.Event()
        self._mirrors = {(kind, space): Mirror(kind) for kind in paths.PLURALS for space in namespaces or [""]}
        self._reflectors = [
            Reflector(client, mirror, paths.collection(kind, space or None), self._heed, patience, chance=chance)
            for (kind, space), mirror in self._mirrors.items()
        ]

    @property
    def is_synced(self) -> bool:
        """Whether everything was listed once."""
        return self._all_is_listed.is_set()

    async def run(self) -> NoReturn:
        """Follow the server until cancelled. Raises Forbidden, NotFound and their like where the first list cannot be had."""
        async with asyncio.TaskGroup() as together:
            for reflector in self._reflectors:
                together.create_task(reflector.run())
        raise AssertionError("the reflectors never end")

    async def list(self, kind: str, namespace: str | None = None) -> Documents:
        """All documents of a kind, sorted by namespace and name."""
        await self._all_is_listed.wait()
        found = [document for mirror in self._mirrors_of(kind) for document in mirror.documents(namespace)]
        return sorted(found, key=lambda document: (document["metadata"]["namespace"], document["metadata"]["name"]))

    async def names(self, kind: str, namespace: str | None = None) -> Names:
        """The namespace and name of every document of a kind, sorted; nothing is unpacked for it."""
        await self._all_is_listed.wait()
        return sorted(place for mirror in self._mirrors_of(kind) for place in mirror.names(namespace))

    async def changes(self, after: int) -> Changes:
        """The newest change of every document above `after`; nothing is unpacked for it."""
        await self._all_is_listed.wait()
        return [change for mirror in self._mirrors.values() for change in mirror.changes(after)]

    async def get(self, kind: str, namespace: str, name: str) -> Document:
        """One document. Raises NotFound."""
        await self._all_is_listed.wait()
        mirror = self._mirror(kind, namespace)
        if mirror is None:
            return pruned(await self._client.get(paths.one(kind, namespace, name)))
        found = mirror.get(namespace, name)
        if found is None:
            raise _not_found(kind, namespace, name)
        return found

    async def create(self, document: Document) -> Document:
        """A new document, as it is kept. Raises Conflict where the name is taken, ManifestInvalid."""
        kind, namespace = document["kind"], documents.namespace_of(document)
        with self._news.held((kind, namespace, document["metadata"].get("name", ""))):
            made = await self._client.create(
                paths.collection(kind, namespace),
                _new(document, namespace),
                fieldManager=EDITOR,
                fieldValidation="Strict",
            )
            return self._learn(made)

    async def replace(self, document: Document) -> Document:
        """A new spec, labels and annotations. Raises NotFound, ManifestInvalid, and Conflict for a lost race."""
        kind, namespace, name = document["kind"], documents.namespace_of(document), document["metadata"]["name"]
        path = paths.one(kind, namespace, name)
        with self._news.held((kind, namespace, name)):
            for race in range(1, RACES + 1):
                old = await self._client.get(path)
                documents.refuse_lost_race(old, document)
                new = _edited(old, document)
                if new is None:
                    return self._learn(old)
                try:
                    return self._learn(
                        await self._client.replace(path, new, fieldManager=EDITOR, fieldValidation="Strict")
                    )
                except Conflict:  # somebody was faster: the next look says whether that matters
                    if race == RACES:
                        raise
        raise AssertionError("a race is won, lost or tried again")

    async def set_status(self, kind: str, namespace: str, name: str, uid: str, status: Document) -> Document:
        """Write a status; one that says the same is not written. Raises NotFound where that uid is gone."""
        await self._all_is_listed.wait()
        path, mirror = paths.one(kind, namespace, name), self._mirror(kind, namespace)
        with self._news.held((kind, namespace, name)):
            found = mirror.get(namespace, name) if mirror else None
            for _ in range(RACES):
                if found is None or found["metadata"]["uid"] != uid:
                    found = await self._client.get(path)
                    _refuse_namesake(found, uid)
                if says_the_same(found.get("status"), status):
                    return self._learn(found)
                try:
                    return self._learn(await self._client.apply(f"{path}/status", _said(found, status), CONTROLLER))
                except Conflict:  # it was changed since, or is another by now
                    found = None
        raise Conflict(
            f"{kind} {namespace}/{name} was changed {RACES} times while its status was written.",
            hint="It is tried again by itself.",
            retryable=True,
        )

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a document; the cluster drops whatever names it as its owner. Raises NotFound."""
        gone = await self._client.delete(paths.one(kind, namespace, name))
        mirror = self._mirror(kind, namespace)
        if "metadata" in gone and gone["kind"] == kind:  # a finalizer holds it
            self._learn(gone)
        elif mirror is not None:
            mirror.deleted(gone["details"]["uid"])

    async def watch(self, after: int) -> AsyncGenerator[Change, None]:
        """What is there with a version above `after`, then all that changes, for ever."""
        first = [change for mirror in self._mirrors.values() for change in mirror.changes(after)]
        async for change in self._news.watch(first):
            if change.resource_version > after:
                yield change

    def _heed(self, changes: Sequence[Change]) -> None:
        self._news.tell(changes)
        if all(mirror.is_synced for mirror in self._mirrors.values()):
            self._all_is_listed.set()

    def _learn(self, document: Document) -> Document:
        """What the server answered to a write is known from now on, and told."""
        mirror = self._mirror(document["kind"], document["metadata"]["namespace"])
        if mirror is not None:
            self._news.tell(mirror.wrote(document))
        return pruned(document)

    def _mirrors_of(self, kind: str) -> Sequence[Mirror]:
        return [mirror for (mirrored, _), mirror in self._mirrors.items() if mirrored == kind]

    def _mirror(self, kind: str, namespace: str) -> Mirror | None:
        """The mirror that shows a namespace; None where it is not one of those that are watched."""
        return self._mirrors.get((kind, "")) or self._mirrors.get((kind, namespace))


def _refuse_namesake(found: Document, uid: str) -> None:
    if found["metadata"]["uid"] != uid:
        raise NotFound(
            f"{found['kind']} {found['metadata']['name']} was deleted and made anew while its status was worked out.",
            hint="Nothing to do: the new one gets its own status.",
        )


def _said(found: Document, status: Document) -> Document:
    """What is applied. The version, not the uid, holds it to this very document: of a status the server reads no uid."""
    head = {key: found["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
    return {"apiVersion": API_VERSION, "kind": found["kind"], "metadata": head, "status": status}


def says_the_same(one: Any, other: Any) -> bool:
    """Whether two statuses differ in nothing but what a server does to them: it fills in empty lists, and keeps conditions
    by type, in an order of its own."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):  # all of it came as JSON
        inside = {key: _plain(_by_type(part) if key == "conditions" else part) for key, part in value.items()}
        return {key: part for key, part in inside.items() if part not in (None, [], {})}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _by_type(conditions: Any) -> Any:
    return {condition["type"]: condition for condition in conditions or []}


def _new(document: Document, namespace: str) -> Document:
    """What is declared, without what a server gives: so a document that was read can be made again elsewhere."""
    given = document["metadata"]
    kept = ("name", "generateName", "labels", "annotations", "ownerReferences", "finalizers")
    metadata = {key: given[key] for key in kept if given.get(key)} | {"namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": document["kind"], "metadata": metadata, "spec": document.get("spec", {})}


def _edited(old: Document, new: Document) -> Document | None:
    """The old document with the new one's spec, labels and annotations; None where that changes nothing."""
    version = old["metadata"]["resourceVersion"]
    edited = documents.replaced(pruned(old), new, int(version))
    applied = old["metadata"].get("annotations", {}).get(LAST_APPLIED)
    if edited is not None and applied is not None:  # kubectl needs it for its next apply
        edited["metadata"]["annotations"] = {LAST_APPLIED: applied, **edited["metadata"].get("annotations", {})}
    return edited


def _not_found(kind: str, namespace: str, name: str) -> NotFound:
    return NotFound(
        f"There is no {kind} {name} in namespace {namespace}.",
        hint="Look at the names with `brandfarm status`, or apply its manifest first.",
    )
