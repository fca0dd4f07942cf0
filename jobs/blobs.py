"""Bytes and JSON kept under their own digest. Knows any ObjectStore, and nothing of what the bytes mean."""

from __future__ import annotations

import json
from typing import Any

from jobs import identity, keys
from jobs.identity import Digest
from jobs.ports import ObjectStore


def put(store: ObjectStore, data: bytes) -> Digest:
    """Keeps bytes and returns their digest; what is there already is not sent again. Raises StoreUnavailable."""
    digest = identity.digest_of(data)
    if not exists(store, digest):
        store.put(keys.blob(digest), data)
    return digest


def get(store: ObjectStore, digest: str) -> bytes:
    """The bytes of a digest, verified. Raises KeyNotFound, Corrupt, StoreUnavailable."""
    return store.get(keys.blob(digest))


def exists(store: ObjectStore, digest: str) -> bool:
    """Whether the bytes of a digest are there."""
    return store.exists(keys.blob(digest))


def put_json(store: ObjectStore, value: Any) -> Digest:
    """Keeps a JSON value in its canonical form and returns its digest."""
    return put(store, identity.canonical(value))


def get_json(store: ObjectStore, digest: str) -> Any:
    """The JSON value of a digest, verified. Raises KeyNotFound, Corrupt, StoreUnavailable."""
    return json.loads(get(store, digest))
