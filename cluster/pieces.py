"""Large bodies on their way between files and stores, piece by piece, so that none is ever whole in memory. Knows no store."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from jobs import keys
from jobs.errors import NoRoomOnDisk

PIECE_BYTES = 1024 * 1024

_FULL = {errno.ENOSPC, errno.EDQUOT}


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int = ..., /) -> bytes: ...


def of(file: Readable) -> Iterator[bytes]:
    """The rest of a file."""
    while piece := file.read(PIECE_BYTES):
        yield piece


class Told:
    """A file that tells how many of its bytes were read."""

    def __init__(self, file: Readable, tell: Callable[[int], None] | None) -> None:
        self._file, self._tell = file, tell
        self._gone = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._file.read(size)
        self._gone += len(piece)
        if self._tell is not None:
            self._tell(self._gone)
        return piece


def into_file(key: str, pieces: Iterable[bytes], path: Path) -> None:
    """Writes what was read under a key; raises Corrupt where a digest does not match, NoRoomOnDisk. Then no file is left."""
    digest, size = hashlib.sha256(), 0
    with _whole_or_gone(path) as file:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            _write(file, piece, path)
        keys.require_digest(key, digest.hexdigest(), size)


@contextmanager
def _whole_or_gone(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(file: IO[bytes], piece: bytes, path: Path) -> None:
    try:
        file.write(piece)
    except OSError as refused:
        if refused.errno in _FULL:
            raise NoRoomOnDisk(
                f"The disk of {path.parent} is full.", hint="Free space on it and try again."
            ) from refused
        raise
