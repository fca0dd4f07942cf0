"""Writes records: small JSON, created once, after everything they name. Knows no record's meaning.

Two attempts may both publish; the store keeps the first, and the second learns of it here and adopts it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobs import blobs as kept
from jobs import failpoints, identity
from jobs.errors import KeyNotFound, StoreError
from jobs.ports import ObjectStore

LARGEST_RECORD = 64 * 1024
"""Bytes. Larger bodies belong into blobs, which a record names."""

_TELLS_WHO_WROTE = {"writeId", "attempt"}
"""Fields in which two records may differ and still say the same."""


@dataclass(frozen=True)
class Published:
    """The record that stands: ours if `won`, else the winner's; `agrees` where both say the same."""

    body: dict[str, Any]
    won: bool
    agrees: bool


def record(
    store: ObjectStore, key: str, body: dict[str, Any], *, blobs: Iterable[str] = (), write_id: str = ""
) -> Published:
    """Creates a record, or finds the one that was created before it; doing it again with the same write id is harmless.

    `blobs` are the digests that it names: each must be there. A `writeId` is added, random unless given.
    Raises StoreError for a missing blob or a body over 64 KiB, StoreUnavailable where the outcome is not known.
    """
    ours = {**body, "writeId": write_id or secrets.token_hex(16)}
    data = identity.canonical(ours)
    _require_small(key, data)
    _require_blobs(store, key, blobs)
    failpoints.reach("publish.before-create")
    won = store.create(key, data)
    failpoints.reach("publish.after-create")
    if won:
        return Published(ours, won=True, agrees=True)
    winner = _parsed(key, store.get(key))
    return Published(winner, won=False, agrees=_payload(winner) == _payload(ours))


def read(store: ObjectStore, key: str) -> dict[str, Any] | None:
    """The record under a key, or None while there is none. Raises StoreError where it is not a record."""
    try:
        return _parsed(key, store.get(key))
    except KeyNotFound:
        return None


def _payload(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _TELLS_WHO_WROTE}


def _parsed(key: str, data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise StoreError(
            f"What stands under {key} is not a record ({len(data)} bytes, not a JSON object).",
            hint="Something else wrote into the store; look at that object, and remove it so that it is made again.",
        )
    return body


def _require_small(key: str, data: bytes) -> None:
    if len(data) > LARGEST_RECORD:
        raise StoreError(
            f"The record for {key} has {len(data)} bytes; at most {LARGEST_RECORD} are allowed.",
            hint="Keep its long lists in a blob and let the record name that.",
        )


def _require_blobs(store: ObjectStore, key: str, digests: Iterable[str]) -> None:
    missing = [digest for digest in digests if not kept.exists(store, digest)]
    if missing:
        raise StoreError(
            f"The record for {key} names {len(missing)} blobs that are not in the store, first {missing[0][:12]}...",
            hint="Write them before the record; if they were written, the store has lost them.",
        )
