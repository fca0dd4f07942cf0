"""Manifests of an API server as a person's command asks for them: each time anew, without the server's bookkeeping."""

from __future__ import annotations

from cluster import documents
from cluster.documents import Document
from cluster.kube import paths
from cluster.kube.client import KubeClient
from cluster.kube.refusals import Expired
from jobs.errors import Conflict

TRIES = 5
"""Statuses are written all the time, and each moves the resourceVersion; a person's write just tries again."""

_WRITTEN = ("name", "generateName", "namespace", "labels", "annotations", "ownerReferences")


async def listed(client: KubeClient, path: str) -> list[Document]:
    """A list in pages; anew where the server forgot its version between two of them."""
    for _ in range(TRIES):
        try:
            return [shown(one) async for page in client.pages(path) for one in page["items"]]
        except Expired as forgotten:
            last = forgotten
    raise last


async def replaced(client: KubeClient, document: Document) -> Document:
    """Writes a spec over the newest version; again where only somebody else's write came between."""
    namespace, name = documents.namespace_of(document), document["metadata"]["name"]
    path = paths.one(document["kind"], namespace, name)
    for _ in range(TRIES):
        live = await client.get(path)
        documents.refuse_lost_race(live, document)
        try:
            return await client.replace(path, _over(live, document))
        except Conflict as lost:
            last = lost
    raise last


def _over(live: Document, document: Document) -> Document:
    """What stands there with a person's spec; what other tools noted beside it stays."""
    given = document["metadata"]
    noted = {
        key: {**live["metadata"].get(key, {}), **given.get(key, {})}
        for key in ("labels", "annotations")
        if live["metadata"].get(key) or given.get(key)
    }
    return live | {"metadata": live["metadata"] | noted, "spec": document["spec"]}


def declared(document: Document) -> Document:
    """The part of a document that people write."""
    metadata = {key: value for key, value in document["metadata"].items() if key in _WRITTEN and value}
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": metadata,
        "spec": document["spec"],
    }


def shown(document: Document) -> Document:
    """Without the server's own bookkeeping of who wrote which field, which is longer than all the rest."""
    metadata = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    return document | {"metadata": metadata}
