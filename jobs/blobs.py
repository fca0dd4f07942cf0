"""Bytes and JSON kept under their own digest. Knows any ObjectStore, and nothing of what the bytes mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs import failpoints, identity, keys
from jobs.identity import Digest
from jobs.ports import ObjectStore

REFRESH_AFTER_SECONDS = 3 * 24 * 3600
"""A blob this old is sent again by whoever needs it, so that a sweep, which drops by age (see its grace), takes it for new."""


def put(store: ObjectStore, data: bytes, now: Callable[[], float] = time.time) -> Digest:
    """Keeps bytes and returns their digest; what was written in the last days is not sent again. Raises StoreUnavailable."""
    digest = identity.digest_of(data)
    found = store.stat(keys.blob(digest))
    if found is None or now() - found.modified > REFRESH_AFTER_SECONDS:
        failpoints.reach("blobs.before-put")
        store.put(keys.blob(digest), data)
    return digest


def put_file(store: ObjectStore, path: Path, digest: str, tell: Callable[[int], None] | None = None) -> None:
    """Keeps a file's bytes, whose digest is known, piece by piece; what was written in the last days is not sent again."""
    found = store.stat(keys.blob(digest))
    if found is None or time.time() - found.modified > REFRESH_AFTER_SECONDS:
        failpoints.reach("blobs.before-put")
        store.put_file(keys.blob(digest), path, tell)


def get_file(store: ObjectStore, digest: str, path: Path) -> None:
    """Writes the bytes of a digest to a file, verified. Raises KeyNotFound, Corrupt, StoreUnavailable, NoRoomOnDisk."""
    store.get_file(keys.blob(digest), path)


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
