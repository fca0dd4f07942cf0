"""The store in a folder of this machine: one file per key, written whole or not at all. Knows no network.

A write goes to a temporary file on the same file system, is flushed to the disk, and then gets its name.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cluster import pieces, store_keys
from jobs import keys
from jobs.errors import KeyNotFound, StoreError, StoreUnavailable
from jobs.ports import Stored

SCRATCH = ".writing"
STALE_SECONDS = 24 * 3600
"""A temporary file this old belongs to a writer that is long dead."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_TOO_LARGE = {errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_LINKS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.EXDEV, errno.EMLINK}


class FolderStore:
    """An ObjectStore over a folder; several processes may share it.

    Raises StoreUnavailable if it cannot be made, or is gone where it may not be made: an unmounted disk leaves an empty folder.
    """

    def __init__(self, root: Path, *, may_make: bool = True) -> None:
        self.root = Path(root)
        self._scratch = self.root / SCRATCH
        if not may_make:
            self._require_root()
        try:
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._sweep()
        except OSError as refused:
            raise self._explained("opening", refused) from refused

    def __str__(self) -> str:
        return f"folder://{self.root}"

    def put(self, key: str, data: bytes) -> None:
        """Write bytes, in place of what stands there."""
        place = self._place(key)
        with self._answering("writing", key), self._written([data]) as scratch:
            self._name(scratch, place)

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        """Write a file's bytes, in place of what stands there."""
        place = self._place(key)
        with path.open("rb") as file:
            body = pieces.of(pieces.Told(file, tell))
            with self._answering("writing", key), self._written(body) as scratch:
                self._name(scratch, place)

    def create(self, key: str, data: bytes) -> bool:
        """Write bytes where nothing stands: True if these very bytes now stand there, False if others do."""
        place = self._place(key)
        with self._answering("creating", key), self._written([data]) as scratch:
            self._make_folder(place.parent)
            try:
                os.link(scratch, place)
            except FileExistsError:
                return _is_file(place) and place.read_bytes() == data
            _flush_folder(place.parent)
        return True

    def get(self, key: str) -> bytes:
        """The bytes under a key. Raises KeyNotFound, and Corrupt where a digest does not match."""
        place = self._place(key)
        with self._answering("reading", key):
            try:
                return keys.checked(key, place.read_bytes())
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as missing:
                self._require_root()
                raise KeyNotFound(f"Nothing stands under {key} in {self}.") from missing

    def get_file(self, key: str, path: Path) -> None:
        """Write the bytes under a key to a file. Raises KeyNotFound, and Corrupt where a digest does not match."""
        place = self._place(key)
        with self._answering("reading", key):
            try:
                kept = place.open("rb")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as missing:
                self._require_root()
                raise KeyNotFound(f"Nothing stands under {key} in {self}.") from missing
        with kept:
            pieces.into_file(key, pieces.of(kept), path)

    def exists(self, key: str) -> bool:
        """Whether something stands under a key."""
        place = self._place(key)
        with self._answering("looking for", key):
            if _is_file(place):
                return True
            self._require_root()
        return False

    def list(self, prefix: str) -> Iterator[str]:
        """All keys that start with a prefix, in lexicographic order."""
        begin = store_keys.required_prefix(prefix).rpartition("/")[0]
        with self._answering("listing", prefix):
            self._require_root()
        return self._keys_below(f"{begin}/" if begin else "", prefix)

    def sizes(self, prefix: str) -> Iterator[Stored]:
        """What stands under all keys that start with a prefix; what goes away meanwhile is left out."""
        return (found for key in self.list(prefix) if (found := self.stat(key)) is not None)

    def stat(self, key: str) -> Stored | None:
        """What stands under a key, or None where nothing does."""
        place = self._place(key)
        with self._answering("looking at", key):
            found = _file_at(place)
            if found is None:
                self._require_root()
                return None
        return Stored(key, found.st_size, found.st_mtime)

    def delete(self, key: str) -> None:
        """Drop a key; dropping what is not there is harmless."""
        place = self._place(key)
        with self._answering("deleting", key):
            self._require_root()
            if _is_file(place):
                place.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """How much more its disk holds for this user."""
        with self._answering("looking at the disk of", ""):
            return shutil.disk_usage(self.root).free

    def _place(self, key: str) -> Path:
        return self.root / store_keys.required(key)

    def _keys_below(self, folder: str, prefix: str) -> Iterator[str]:
        """Keys under a folder (its name ends with a slash, or is empty) that start with the prefix."""
        for name in self._names(folder):
            path = folder + name
            if name.endswith("/"):
                if path.startswith(prefix) or prefix.startswith(path):
                    yield from self._keys_below(path, prefix)
            elif path.startswith(prefix):
                yield path

    def _names(self, folder: str) -> Iterable[str]:
        """What a folder holds, folders with their slash, so that sorting them sorts whole keys."""
        with self._answering("listing", folder):
            try:
                with os.scandir(self.root / folder) as entries:
                    seen = [e.name + "/" if e.is_dir() else e.name for e in entries if not e.name.startswith(".")]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(seen)

    @contextmanager
    def _written(self, body: Iterable[bytes]) -> Iterator[Path]:
        """A temporary file that holds the bytes, on the disk for certain; gone afterwards if it was not named."""
        handle, name = tempfile.mkstemp(dir=self._scratch)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(body)
                file.flush()
                os.fsync(file.fileno())
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _name(self, scratch: Path, place: Path) -> None:
        self._make_folder(place.parent)
        os.replace(scratch, place)
        _flush_folder(place.parent)

    def _make_folder(self, folder: Path) -> None:
        """Makes the folders down to a key, each name flushed to the disk; never the root itself."""
        if folder == self.root or folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)

    def _require_root(self) -> None:
        if not self._scratch.is_dir():
            raise StoreUnavailable(
                f"The store's folder {self.root} is gone.",
                hint="Was its disk unmounted, or the folder moved? Put it back, or name another with --store.",
            )

    def _sweep(self) -> None:
        """Drops what writers that died long ago left behind; nothing that has a key."""
        oldest = time.time() - STALE_SECONDS
        for left in self._scratch.iterdir():
            with suppress(FileNotFoundError):  # its writer has given it its key meanwhile
                if left.stat().st_mtime < oldest:
                    left.unlink()

    @contextmanager
    def _answering(self, deed: str, key: str) -> Iterator[None]:
        """Turns the file system's refusals into the store's errors."""
        try:
            yield
        except OSError as refused:
            self._require_root()
            raise self._explained(f"{deed} {key}", refused) from refused

    def _explained(self, deed: str, refused: OSError) -> StoreError:
        said = f"The store in {self.root} failed at {deed}: {refused.strerror or refused}."
        if refused.errno in _FULL:
            return StoreUnavailable(said, hint="The disk is full: free space on it, or name a store elsewhere.")
        if refused.errno in _TOO_LARGE:
            return StoreUnavailable(
                said, hint="This process may not write files that large: raise its limit (`ulimit -f`)."
            )
        if refused.errno in _DENIED:
            return StoreUnavailable(said, hint="Give this user the right to read and write that folder.")
        if refused.errno in _NO_LINKS:
            return StoreError(
                said, hint="Its file system has no hard links: name a store on another, or a MinIO server."
            )
        if isinstance(refused, (NotADirectoryError, IsADirectoryError, FileExistsError)):
            return StoreError(said, hint="A key may not lie below another key; something else wrote into this folder.")
        return StoreUnavailable(said, hint="Is the disk sound? `dmesg` tells of failing disks.")


def _is_file(place: Path) -> bool:
    """Whether a file stands there; unlike `Path.is_file`, a refused look is an error and not a no."""
    return _file_at(place) is not None


def _file_at(place: Path) -> os.stat_result | None:
    """What the file system says of a file, or None where there is none."""
    try:
        found = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _flush_folder(folder: Path) -> None:
    """Puts a folder's names on the disk, so that a written key outlives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
