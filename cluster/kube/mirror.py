"""A copy of the documents of one kind, kept true by pages of a list and events of a watch. Pure: knows no server, no time.

A document is kept without the server's bookkeeping and packed small: ten thousand take about ten megabytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cluster.documents import Document
from cluster.kube.paths import Deed
from cluster.kube.refusals import Expired, error_of_status
from cluster.ports import Change

Place = tuple[str, str]  # namespace, name
Changes = list[Change]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def pruned(document: Document) -> Document:
    """The document without what only the server and kubectl read."""
    metadata = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    if LAST_APPLIED in metadata.get("annotations", {}):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != LAST_APPLIED}
        if not metadata["annotations"]:
            del metadata["annotations"]
    return {**document, "metadata": metadata}


@dataclass(frozen=True, slots=True)
class _Kept:
    uid: str
    version: int
    packed: bytes

    def document(self) -> Document:
        return dict(json.loads(zlib.decompress(self.packed)))


class Mirror:
    """What a server holds of a kind, in one namespace or in all, as far as it has told.

    Every change is told once: also those that this process made (`wrote`), and deletions that only a new list shows.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.version = ""  # where a watch goes on; empty where everything has to be listed
        self.is_synced = False  # whether a list was ever complete
        self._kept: dict[str, dict[str, _Kept]] = {}
        self._deleting: set[str] = set()  # uids that this process deleted, until the server tells of it
        self._deleting_before: set[str] = set()  # those of them that a list begun since cannot show any more
        self._unlisted: set[Place] = set()  # while a list is read: known before, and not met in it yet
        self._touched: dict[Place, int] = {}  # while a list is read: what this process wrote, newer than the list
        self._newest = 0  # the version that the server was at when it last told
        self._is_rewritten = False  # until the next list: versions say nothing, the server came back from a backup

    # What is there.

    def get(self, namespace: str, name: str) -> Document | None:
        """One document, made anew for its caller."""
        kept = self._kept.get(namespace, {}).get(name)
        return None if kept is None or kept.uid in self._deleting else kept.document()

    def documents(self, namespace: str | None = None) -> Iterator[Document]:
        """All documents, by namespace and name."""
        return (kept.document() for _, kept in self._sorted(namespace))

    def names(self, namespace: str | None = None) -> list[Place]:
        """All places, sorted; nothing is unpacked."""
        return [place for place, _ in self._sorted(namespace)]

    def changes(self, after: int) -> Changes:
        """Everything that is there with a version above `after`, as if it had just come."""
        return [self._change(place, kept) for place, kept in self._sorted(None) if kept.version > after]

    def count(self) -> int:
        """How many documents are there."""
        return sum(map(len, self._kept.values()))

    # What the server tells.

    def begin(self) -> None:
        """A list begins; it shows everything that was done until now."""
        self._unlisted = {(space, name) for space, names in self._kept.items() for name in names}
        self._touched = {}
        self._deleting_before = set(self._deleting)

    def page(self, page: Document) -> Changes:
        """One page of a list. The last one shows what is gone: the server's word, whatever its versions. May raise Expired."""
        self.compare(page["metadata"]["resourceVersion"])
        told = [change for item in page["items"] for change in self._listed(item)]
        if page["metadata"].get("continue"):
            return told
        version = page["metadata"]["resourceVersion"]
        for place in sorted(self._unlisted):
            told += self._drop(place, int(version))
        self._unlisted, self._touched = set(), {}
        self.version, self._newest = version, int(version)
        self.is_synced, self._is_rewritten = True, False
        return told

    def event(self, event: Document) -> Changes:
        """One event of a watch. Raises Expired and other errors that the server tells in the middle of it."""
        found = event["object"]
        if event["type"] == "ERROR":
            raise error_of_status(found, Deed("watch", "", self.kind, "", ""), int(found.get("code", 500)))
        version = found["metadata"]["resourceVersion"]
        self.compare(version)
        self.version, self._newest = version, int(version)
        match event["type"]:
            case "BOOKMARK":
                return []
            case "DELETED":
                return self._deleted(found, int(version))
            case _:
                return self._newer(found)

    def compare(self, version: str) -> None:
        """The server is at a version. Raises Expired, once, where it was further before: it came back from a backup."""
        if int(version) >= self._newest or self._is_rewritten:
            return
        self._is_rewritten, self._touched = True, {}
        raise Expired(f"The API server is at version {version} and was at {self._newest}: it came back from a backup.")

    def expire(self) -> None:
        """The server has forgotten the version that a watch would go on from."""
        self.version = ""

    # What this process did itself.

    def wrote(self, document: Document) -> Changes:
        """The server's answer to a write of ours, which may come before or after the watch tells of it."""
        place, version = _place(document), _version(document)
        self._unlisted.discard(place)
        is_late = version <= self._touched.get(place, 0)
        self._touched[place] = max(version, self._touched.get(place, 0))
        if self._is_rewritten:
            self._deleting.discard(document["metadata"]["uid"])  # what can be written lives
            return [] if is_late else self._keep(place, document)
        return self._newer(document)

    def deleted(self, uid: str) -> None:
        """This process deleted it: nobody is shown it any more; the server will tell of it."""
        self._deleting.add(uid)

    def _sorted(self, namespace: str | None) -> Iterator[tuple[Place, _Kept]]:
        for space in sorted(self._kept) if namespace is None else [namespace]:
            for name, kept in sorted(self._kept.get(space, {}).items()):
                if kept.uid not in self._deleting:
                    yield (space, name), kept

    def _listed(self, item: Document) -> Changes:
        place = _place(item)
        if _version(item) <= self._touched.get(place, 0):
            return []
        if place in self._touched and not self._is_rewritten:
            return self._newer(item)
        self._unlisted.discard(place)
        if item["metadata"]["uid"] in self._deleting_before:  # it lives: the server came back from a backup
            self._deleting.discard(item["metadata"]["uid"])
        old = self._at(place)
        if old is not None and (old.uid, old.version) == (item["metadata"]["uid"], _version(item)):
            return []
        return self._keep(place, item)

    def _newer(self, document: Document) -> Changes:
        """Keep a document unless something as new is known: its own delayed echo, or a namesake that came after it."""
        old = self._at(_place(document))
        if old is not None and old.version >= _version(document):
            return []
        return self._keep(_place(document), document)

    def _keep(self, place: Place, document: Document) -> Changes:
        metadata = document["metadata"]
        told = self._drop_namesake(place, metadata["uid"], _version(document))
        whole = {"apiVersion": document.get("apiVersion", ""), "kind": self.kind, **pruned(document)}
        text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
        kept = _Kept(metadata["uid"], _version(document), zlib.compress(text, 1))
        self._kept.setdefault(place[0], {})[place[1]] = kept
        return [*told, self._change(place, kept)]

    def _drop_namesake(self, place: Place, uid: str, version: int) -> Changes:
        old = self._at(place)
        return [] if old is None or old.uid == uid else self._drop(place, version)

    def _deleted(self, document: Document, version: int) -> Changes:
        old = self._at(_place(document))
        if old is None or old.uid != document["metadata"]["uid"]:
            self._deleting.discard(document["metadata"]["uid"])
            return []
        return self._drop(_place(document), version)

    def _drop(self, place: Place, version: int) -> Changes:
        kept = self._kept[place[0]].pop(place[1])
        self._deleting.discard(kept.uid)
        return [self._change(place, kept, deleted_at=version)]

    def _at(self, place: Place) -> _Kept | None:
        return self._kept.get(place[0], {}).get(place[1])

    def _change(self, place: Place, kept: _Kept, deleted_at: int | None = None) -> Change:
        return Change(
            kind=self.kind,
            namespace=place[0],
            name=place[1],
            uid=kept.uid,
            deleted=deleted_at is not None,
            resource_version=kept.version if deleted_at is None else deleted_at,
        )


def _place(document: dict[str, Any]) -> Place:
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _version(document: Document) -> int:
    """Kubernetes declares versions to be comparable numbers, from 1.35 on; all servers before it kept them so."""
    return int(document["metadata"]["resourceVersion"])
