"""What the work needs from the world, as Protocols. Knows none of the implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Stored:
    """What stands under a key: its size in bytes, and when it was written last, in seconds since 1970 by the store's clock."""

    key: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """A bucket behind a port: bytes under keys, nothing ever overwritten but caches and logs.

    Keys under `cas/sha256/` are verified on every read. All methods raise StoreUnavailable where the store
    cannot be reached; that may be tried again.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write bytes; for content-addressed blobs, caches and numbered logs, where the same again is harmless."""

    def create(self, key: str, data: bytes) -> bool:
        """Write bytes only where nothing stands yet; True if these very bytes now stand there, False if others do."""

    def get(self, key: str) -> bytes:
        """The bytes under a key. Raises KeyNotFound, and Corrupt where a digest does not match."""

    def exists(self, key: str) -> bool:
        """Whether something stands under a key."""

    def list(self, prefix: str) -> Iterator[str]:
        """All keys that start with a prefix, in lexicographic order."""

    def sizes(self, prefix: str) -> Iterator[Stored]:
        """What stands under all keys that start with a prefix, in the order of `list`."""

    def stat(self, key: str) -> Stored | None:
        """What stands under a key, or None where nothing does."""

    def delete(self, key: str) -> None:
        """Drop a key; dropping what is not there is harmless."""

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        """As `put`, with a file's bytes, piece by piece; `tell` hears how many have gone so far."""

    def get_file(self, key: str, path: Path) -> None:
        """As `get`, into a file, piece by piece; where it fails no file is left. Raises NoRoomOnDisk."""


@dataclass(frozen=True)
class SourceFile:
    """One file of a dataset's source: its name below the source, its size in bytes, and a tag that changes with its bytes."""

    name: str
    size: int
    tag: str


class Source(Protocol):
    """A place that pictures come from: an uploaded listing or an `s3://` prefix."""

    def list(self) -> list[SourceFile]:
        """The files, sorted by name. Raises SourceUnreadable."""

    def read(self, name: str) -> bytes:
        """One file's bytes. Raises SourceUnreadable."""


class Reporter(Protocol):
    """Where a job tells how it is going; never the truth, which is in the records."""

    def progress(self, done: int, total: int, **facts: float) -> None:
        """So many of so many steps or images are done; facts such as loss=0.1 go along."""

    def log(self, event: str, **fields: Any) -> None:
        """One line of the attempt's log."""


class Clock(Protocol):
    """Time, passed in."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    def now(self) -> float:
        """Seconds since 1970 UTC."""
