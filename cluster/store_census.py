"""What is in a store and what names what: every object's size, every record's references, and the lists that records name.

Reads a store once, and later only what is new. Concludes nothing and changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from jobs import keys, references
from jobs.errors import Corrupt, KeyNotFound, StoreError
from jobs.ports import ObjectStore, Stored
from jobs.references import Kind, Reference

Document = dict[str, Any]
Tell = Callable[[int, int], None]

READERS = 16
"""Requests under way at once: a record is small, and most of its time is the way to the store and back."""

NO_RECORDS = (keys.CAS, "cache/", "attempt/", "epoch/", "doctor/", "sweep/")
"""Prefixes whose objects name nothing: bytes, caches, what attempts tell, and our own marks. All else may name something."""

LARGEST_RECORD = 1024 * 1024
"""Bytes. What is larger is no record, and no list whose meaning is not known."""

FOLLOWED = frozenset(references.LISTS)


@dataclass(frozen=True)
class Census:
    """Everything that stood at one time. `names` is by key, of records and of the lists that they name; `manifest/...` are manifests'.

    bodies: of the few records that say who owns what (versions, campaigns, deletions).
    """

    objects: dict[str, Stored]
    names: dict[str, tuple[Reference, ...]]
    bodies: dict[str, Document] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()

    @property
    def records(self) -> list[str]:
        """The keys of all records, manifests not among them."""
        return [key for key in self.names if is_record(key)]


def is_record(key: str) -> bool:
    """Whether what stands under a key may name something."""
    return not key.startswith((*NO_RECORDS, "manifest/"))


def take(store: ObjectStore, documents: Sequence[Document], tell: Tell) -> Census:
    """A census of a store, and of the manifests that use it.

    Raises StoreUnavailable, and StoreError where a record or a list cannot be read: what it names would be taken for nameless.
    """
    objects = {found.key: found for found in store.sizes("")}
    return _completed(store, Census(objects, {}), objects, documents, tell)


def renewed(store: ObjectStore, known: Census, documents: Sequence[Document]) -> tuple[Census, frozenset[str]]:
    """The census with what has been recorded since, and the keys of that; images aside, whose owners are recorded first.

    Raises as `take` does.
    """
    prefixes = {key.partition("/")[0] + "/" for key in known.objects if is_record(key)} | {"record/", "checkpoint/"}
    found = [one for prefix in sorted(prefixes - {"image/"}) for one in store.sizes(prefix)]
    fresh = {one.key: one for one in found if one.key not in known.objects}
    census = _completed(store, known, fresh, documents, lambda _done, _total: None)
    manifests = {_manifest_key(one) for one in documents}
    return census, frozenset(fresh) | manifests


def _completed(
    store: ObjectStore, known: Census, fresh: dict[str, Stored], documents: Sequence[Document], tell: Tell
) -> Census:
    names, bodies = dict(known.names), dict(known.bodies)
    records = [key for key, one in fresh.items() if is_record(key) and one.size <= LARGEST_RECORD]
    for key, body in _read(store, records, tell):
        names[key] = references.named_by(key, body)
        if key.startswith(("record/version/", "record/campaign/", "record/deleted/")):
            bodies[key] = body
    for document in documents:
        names[_manifest_key(document)] = references.named_in_manifest(document)
    _follow(store, known.objects | fresh, names)
    return Census(known.objects | fresh, names, bodies, tuple(documents))


def _follow(store: ObjectStore, objects: dict[str, Stored], names: dict[str, tuple[Reference, ...]]) -> None:
    """Reads the lists that records name, and the lists that those name."""
    while True:
        wanted = {
            one.key: one.kind
            for named in list(names.values())
            for one in named
            if one.kind in FOLLOWED and one.key not in names and _may_be_list(one, objects)
        }
        if not wanted:
            return
        for key, body in _read(store, wanted, lambda _done, _total: None, strict=False):
            names[key] = references.named_in(wanted[key], body)


def _may_be_list(one: Reference, objects: dict[str, Stored]) -> bool:
    """Lists of unknown meaning are looked into while they are small; one that is not there has nothing left to name."""
    return one.key in objects and (one.kind is not Kind.ANY or objects[one.key].size <= LARGEST_RECORD)


def _read(
    store: ObjectStore, wanted: Iterable[str], tell: Tell, *, strict: bool = True
) -> Iterable[tuple[str, Document]]:
    """The JSON of keys. What is no JSON names nothing, unless `strict`; a key that went away is passed over."""
    chosen = list(wanted)
    with ThreadPoolExecutor(READERS) as readers:
        for done, (key, data) in enumerate(
            zip(chosen, readers.map(lambda key: _bytes(store, key), chosen), strict=True)
        ):
            tell(done, len(chosen))
            if data is not None:
                yield key, _parsed(key, data, strict and key.startswith("record/"))
    tell(len(chosen), len(chosen))


def _bytes(store: ObjectStore, key: str) -> bytes | None:
    try:
        return store.get(key)
    except KeyNotFound:
        return None
    except Corrupt as broken:
        raise StoreError(
            f"{key} is damaged, so what it names cannot be told from what nobody names: {broken.message}",
            hint="Restore that object from a backup, or remove it if it is past saving; until then nothing is swept.",
        ) from broken


def _parsed(key: str, data: bytes, strict: bool) -> Any:
    try:
        return json.loads(data)
    except ValueError as odd:
        if not strict:
            return None
        raise StoreError(
            f"What stands under {key} is no record ({len(data)} bytes, not JSON), so what it names is not known.",
            hint="Restore that object from a backup, or remove it if it is past saving; until then nothing is swept.",
        ) from odd


def _manifest_key(document: Document) -> str:
    metadata = document["metadata"]
    return f"manifest/{document['kind']}/{metadata['namespace']}/{metadata['name']}/{metadata.get('uid', '')}"
