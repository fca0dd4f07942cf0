"""Bases on a worker's disk: shipped ones where they are, the store's in a cache folder that the workers of a node share.

A base appears there whole and verified or not at all; nothing is ever dropped from there by itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs import blobs
from jobs.bases import catalogue, selection
from jobs.bases.catalogue import BaseEntry, Catalogue
from jobs.errors import BaseUnknown, NoRoomOnDisk
from jobs.identity import digest_of_file
from jobs.ports import ObjectStore
from jobs.records import BaseRecord

SPARE_BYTES = 256 * 2**20
"""Left free on a disk beside what is written to it."""


class BasesOnDisk:
    """Turns digests into entries whose files lie on this disk."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._catalogue = Catalogue(store)

    def entry(self, digest: str) -> BaseEntry:
        """The base of a digest, fetched if it is not here; another worker that fetches it is waited for.

        Raises BaseUnknown, NoRoomOnDisk, Corrupt, StoreUnavailable.
        """
        try:
            return catalogue.by_digest(digest)
        except BaseUnknown:
            record = self._catalogue.files(digest)
        if record is None:
            raise catalogue.unknown_digest(digest)
        self._folder.mkdir(parents=True, exist_ok=True)
        with _alone(self._folder / f"{digest}.lock"):
            if not stands(self._folder / digest, record):
                self._fetch(record)
        known = self._catalogue.by_digest(digest)
        return BaseEntry(
            name=known.name,
            family=record.family,
            folder=self._folder / digest,
            resolution=record.resolution,
            licence=known.licence,
            commercial=known.commercial,
            description=known.description,
            verified=digest,
        )

    def _fetch(self, record: BaseRecord) -> None:
        """Into a folder beside its place, which gets its name once all stands; what a killed worker left there is kept."""
        begun, whole = self._folder / f"{record.digest}.part", self._folder / record.digest
        missing = {name: digest for name, digest in record.files.items() if not _is_whole(begun / name, digest)}
        require_room(self._folder, sum(record.sizes[name] for name in missing))
        for name, digest in missing.items():
            selection.require_inside(name)
            (begun / name).parent.mkdir(parents=True, exist_ok=True)
            blobs.get_file(self._store, digest, begun / name)
        if whole.exists():
            shutil.rmtree(whole)  # somebody took files out of it
        os.replace(begun, whole)


def stands(folder: Path, record: BaseRecord) -> bool:
    """Whether a base's folder has all its files; their bytes were verified when it was made."""
    return all(_size(folder / name) == size for name, size in record.sizes.items())


def require_room(folder: Path, size: int) -> None:
    """Raises NoRoomOnDisk where `size` bytes would not leave a little free on the folder's disk."""
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise NoRoomOnDisk(
            f"{folder} needs {size / 2**20:,.0f} MiB for a base model, and {free / 2**20:,.0f} MiB are free.",
            hint="Free space on its disk, or name a folder on another with BRANDFARM_BASES.",
        )


def _is_whole(path: Path, digest: str) -> bool:
    return path.is_file() and digest_of_file(path) == digest


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Held by one worker of this node at a time; the system lets go of it when that one dies."""
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
