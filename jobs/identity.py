"""Names made of content: canonical JSON (RFC 8785) and SHA-256. Knows nothing of where things are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NewType

import rfc8785

Digest = NewType("Digest", str)
"""64 lower-case hex digits of a SHA-256."""

AskedId = NewType("AskedId", str)
"""The digest of a declaration of work: what is asked, never who did it or on what."""


def digest_of(data: bytes) -> Digest:
    """The SHA-256 of some bytes, as 64 hex digits."""
    return Digest(hashlib.sha256(data).hexdigest())


def digest_of_file(path: Path) -> Digest:
    """The SHA-256 of a file's bytes, read piece by piece."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def canonical(value: Any) -> bytes:
    """The one canonical JSON form of a value (RFC 8785), strings exactly as given."""
    return rfc8785.dumps(value)


def content_id(kind: str, value: Any) -> str:
    """The digest of a value of a named kind and schema, for example `content_id("train/1", {...})`."""
    return digest_of(canonical({"kind": kind, "value": value}))
