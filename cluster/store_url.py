"""The addresses of stores, read from text: a folder, or a bucket of an S3 server. Opens nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from jobs.errors import StoreAddressInvalid

FORMS = "Write folder:///path, or minio://ACCESS:SECRET@host:port/bucket, or http(s)://host:port/bucket."
BUCKET_NAMES = "It takes 3 to 63 of a-z, 0-9, dots and hyphens, and begins and ends with a letter or a digit."
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SECURE = {"minio": False, "http": False, "https": True}


@dataclass(frozen=True)
class FolderUrl:
    """A store in a folder of this machine."""

    root: Path

    def __str__(self) -> str:
        return f"folder://{self.root}"


@dataclass(frozen=True)
class BucketUrl:
    """A bucket of an S3 server and who asks for it; its text form names no credentials."""

    endpoint: str
    bucket: str
    secure: bool = False
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    region: str = "us-east-1"
    session_token: str = field(default="", repr=False)  # of credentials that were lent for a while

    @property
    def origin(self) -> str:
        """Where the server listens, for example `http://localhost:9000`."""
        return f"{'https' if self.secure else 'http'}://{self.endpoint}"

    def __str__(self) -> str:
        return f"{self.origin}/{self.bucket}"


def parse(url: str, *, access_key: str = "", secret_key: str = "") -> FolderUrl | BucketUrl:
    """The address that a text means; credentials in the text come before those given. Raises StoreAddressInvalid."""
    if "://" not in url:
        return FolderUrl(Path(url).expanduser().absolute())
    parts = urlsplit(url)
    if parts.scheme == "folder":
        return _folder(parts)
    if parts.scheme in _SECURE:
        return _bucket(parts, access_key, secret_key)
    raise StoreAddressInvalid(
        f"The store's address begins with {parts.scheme}://, which is no kind of store.", hint=FORMS
    )


def is_bucket_name(name: str) -> bool:
    """Whether S3 allows a bucket of that name."""
    return _BUCKET.fullmatch(name) is not None and ".." not in name


def _folder(parts: SplitResult) -> FolderUrl:
    if parts.netloc or not parts.path:
        raise StoreAddressInvalid("A folder's address needs three slashes and a path.", hint=FORMS)
    return FolderUrl(Path(unquote(parts.path)))


def _bucket(parts: SplitResult, access_key: str, secret_key: str) -> BucketUrl:
    bucket = parts.path.strip("/")
    place = parts.netloc.rpartition("@")[2]
    if not parts.hostname or not bucket or not _has_sound_port(parts):
        raise StoreAddressInvalid(
            f"The store's address {parts.scheme}://{place}{parts.path} names no bucket.", hint=FORMS
        )
    if not is_bucket_name(bucket):
        raise StoreAddressInvalid(f"{bucket!r} is no name that a bucket can have. {BUCKET_NAMES}", hint=FORMS)
    access_key = unquote(parts.username or "") or access_key
    secret_key = unquote(parts.password or "") or secret_key
    if not access_key or not secret_key:
        raise StoreAddressInvalid(
            f"The store at {place} needs an access key and a secret key, and none were given.",
            hint="Set BRANDFARM_STORE_ACCESS_KEY and BRANDFARM_STORE_SECRET_KEY, or write them before the @ of its address.",
        )
    region = parse_qs(parts.query).get("region", ["us-east-1"])[0]
    return BucketUrl(place, bucket, _SECURE[parts.scheme], access_key, secret_key, region)


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False
