"""Where a dataset's files come from: an uploaded listing, or a prefix of a bucket. Knows no picture from another file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import ValidationError

from cluster import store_url
from cluster.uploads import UPLOAD, UploadListing, write_upload
from jobs import blobs
from jobs.errors import KeyNotFound, SourceUnreadable, StoreError
from jobs.ports import ObjectStore, Source, SourceFile

__all__ = ["Bucket", "HasBuckets", "Listed", "S3Source", "UploadSource", "open_source", "write_upload"]

S3 = "s3://"


@dataclass(frozen=True)
class Listed:
    """One object of a bucket: key, bytes, the tag that changes with its bytes, and when it was written (seconds since 1970)."""

    key: str
    size: int
    tag: str
    modified: float = 0.0


class Bucket(Protocol):
    """A bucket to read from. Both raise StoreError."""

    def listing(self, prefix: str) -> Iterator[Listed]: ...

    def get(self, key: str) -> bytes: ...

    def get_file(self, key: str, path: Path) -> None: ...


@runtime_checkable
class HasBuckets(Protocol):
    """A store on a server that holds other buckets too."""

    def bucket(self, name: str) -> Bucket: ...


class UploadSource:
    """The files of an uploaded folder, all of them blobs of the farm's own store."""

    def __init__(self, store: ObjectStore, listing_digest: str) -> None:
        self._store = store
        self._address = UPLOAD + listing_digest
        with reading(self._address):
            data = blobs.get(store, listing_digest)
        self._files = {file.name: file for file in _listing(self._address, data).files}
        for name in self._files:
            _require_inside(self._address, name)

    def list(self) -> list[SourceFile]:
        """The files, sorted by name; each one's tag is its digest."""
        return [SourceFile(file.name, file.size, file.digest) for _, file in sorted(self._files.items())]

    def read(self, name: str) -> bytes:
        """One file's bytes, verified. Raises SourceUnreadable."""
        if name not in self._files:
            raise _no_such_file(self._address, name)
        with reading(f"{self._address}: {name}"):
            return blobs.get(self._store, self._files[name].digest)


class S3Source:
    """The files below a prefix of a bucket: `s3://bucket/prefix` means the folder `prefix/`."""

    def __init__(self, buckets: HasBuckets, address: str) -> None:
        parts = urlsplit(address)
        prefix = parts.path.strip("/")
        if not store_url.is_bucket_name(parts.netloc) or parts.query or parts.fragment:
            raise SourceUnreadable(f"{address} names no bucket.", hint="Write s3://bucket/folder.")
        self._address = address
        self._prefix = f"{prefix}/" if prefix else ""
        self._bucket = buckets.bucket(parts.netloc)

    def list(self) -> list[SourceFile]:
        """The files, sorted by name; hidden ones are left out, a name that leaves the prefix refuses the whole."""
        with reading(self._address):
            found = [(one.key.removeprefix(self._prefix), one) for one in self._bucket.listing(self._prefix)]
        files = [SourceFile(name, one.size, one.tag) for name, one in found if not _is_passed_over(name)]
        for file in files:
            _require_inside(self._address, file.name)
        return sorted(files, key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        """One file's bytes. Raises SourceUnreadable."""
        _require_inside(self._address, name)
        with reading(f"{self._address}: {name}"):
            return self._bucket.get(self._prefix + name)


def open_source(store: ObjectStore, address: str) -> Source:
    """The source that a dataset's address names, read with the store's own credentials. Raises SourceUnreadable."""
    if address.startswith(UPLOAD):
        return UploadSource(store, address.removeprefix(UPLOAD))
    if not address.startswith(S3):
        raise SourceUnreadable(
            f"{address} is no source that a worker can read.",
            hint="Give `brandfarm apply` a local folder, which it uploads, or write s3://bucket/folder.",
        )
    if not isinstance(store, HasBuckets):
        raise SourceUnreadable(
            f"{address} lies on an S3 server, and this farm keeps its store in a folder.",
            hint="Start the farm with `brandfarm up --store URL` on that server, or name a local folder.",
        )
    return S3Source(store, address)


def _listing(address: str, data: bytes) -> UploadListing:
    try:
        return UploadListing.model_validate_json(data)
    except ValidationError as odd:
        raise SourceUnreadable(
            f"{address} is not the listing of an upload ({odd.error_count()} faults).",
            hint="Run `brandfarm apply` again with the folder; it writes a new listing.",
        ) from odd


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turns the store's errors into the source's; whether trying again helps stays as it was."""
    try:
        yield
    except StoreError as failed:
        hint = "Upload the folder again with `brandfarm apply`." if isinstance(failed, KeyNotFound) else failed.hint
        raise SourceUnreadable(
            f"{what} cannot be read: {failed.message}", hint=hint, retryable=failed.retryable
        ) from failed


def _is_passed_over(name: str) -> bool:
    """Folder marks and hidden files, which file browsers and sync tools leave in buckets."""
    return not name or name.endswith("/") or PurePosixPath(name).name.startswith(".")


def _require_inside(address: str, name: str) -> None:
    """Refuses a name that would leave the source if anybody made a path of it."""
    steps = name.split("/")
    if not name or "\\" in name or "\0" in name or any(step in ("", ".", "..") for step in steps):
        raise SourceUnreadable(
            f"{address} holds {name!r}, a name that leaves the folder.", hint="Rename that file, or leave it out."
        )


def _no_such_file(address: str, name: str) -> SourceUnreadable:
    return SourceUnreadable(f"{address} holds no file {name!r}.", hint="List the source to see what it holds.")
