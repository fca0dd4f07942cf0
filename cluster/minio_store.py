"""The store in a bucket of a MinIO (or other S3) server; the one door to the MinIO client. Knows no records.

`MinioBucket` makes one request per call and turns failures into our errors; `MinioStore` adds keys, digests and patience.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.credentials.providers import AssumeRoleProvider
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.lifecycleconfig import Rule

from cluster import pieces, s3_errors, store_keys, store_url
from cluster.sources import Listed
from cluster.store_settings import BucketSettings
from jobs import keys
from jobs.errors import KeyNotFound, StoreError, StoreUnavailable
from jobs.ports import Stored

PART_BYTES = 16 * 1024 * 1024
"""Larger bodies go up in parts of this size."""

CONNECT_SECONDS = 3.0
DATA_SECONDS = 10.0
"""How long a server may be silent while it takes or gives a body."""

ANSWER_SECONDS = 4.0
"""How long it may be silent for everything small. A create asks twice, so a frozen server is told of after 8 s."""

LENT_SECONDS = 900
"""The shortest that S3 lends credentials for."""

PATIENCE_SECONDS = 6.0
"""No request is begun again later than this, so that a dead store is told of in about ten seconds."""

PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8)

T = TypeVar("T")


class MinioStore:
    """An ObjectStore over one bucket, which is made if it is missing and may be; safe for threads, to be closed at the end.

    Takes an address (`minio://ACCESS:SECRET@host:port/bucket`, `http(s)://host:port/bucket`, or one already read).
    Raises StoreUnavailable where the server does not answer, StoreError where it refuses the credentials.
    """

    def __init__(
        self, url: str | store_url.BucketUrl, *, access_key: str = "", secret_key: str = "", may_make: bool = True
    ) -> None:
        address = store_url.parse(url, access_key=access_key, secret_key=secret_key) if isinstance(url, str) else url
        if isinstance(address, store_url.FolderUrl):
            raise StoreError(f"{address} is a folder, not a bucket.", hint=store_url.FORMS)
        self.url = address
        self._bodies = MinioBucket(address, DATA_SECONDS)
        self._small = MinioBucket(address, ANSWER_SECONDS)
        self._others: dict[str, MinioBucket] = {}
        if may_make:
            self._patiently(self._small.make)

    def __str__(self) -> str:
        return str(self.url)

    def put(self, key: str, data: bytes) -> None:
        """Write bytes, in place of what stands there."""
        store_keys.required(key)
        self._patiently(lambda: self._bodies.put(key, data))

    def create(self, key: str, data: bytes) -> bool:
        """Write bytes where nothing stands: True if these very bytes now stand there, False if others do."""
        store_keys.required(key)
        return self._patiently(lambda: self._created(key, data))

    def get(self, key: str) -> bytes:
        """The bytes under a key. Raises KeyNotFound, and Corrupt where a digest does not match."""
        store_keys.required(key)
        return keys.checked(key, self._patiently(lambda: self._bodies.get(key)))

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        """Write a file's bytes, in place of what stands there."""
        store_keys.required(key)
        self._patiently(lambda: self._bodies.put_file(key, path, tell))

    def get_file(self, key: str, path: Path) -> None:
        """Write the bytes under a key to a file. Raises KeyNotFound, and Corrupt where a digest does not match."""
        store_keys.required(key)
        self._patiently(lambda: self._bodies.get_file(key, path))

    def exists(self, key: str) -> bool:
        """Whether something stands under a key."""
        store_keys.required(key)
        return self._patiently(lambda: self._small.stat(key)) is not None

    def list(self, prefix: str) -> Iterator[str]:
        """All keys that start with a prefix, in lexicographic order."""
        store_keys.required_prefix(prefix)
        return iter(self._patiently(lambda: [found.key for found in self._small.listing(prefix)]))

    def sizes(self, prefix: str) -> Iterator[Stored]:
        """What stands under all keys that start with a prefix, in the order of `list`."""
        store_keys.required_prefix(prefix)
        found = self._patiently(lambda: list(self._small.listing(prefix)))
        return (Stored(one.key, one.size, one.modified) for one in found)

    def stat(self, key: str) -> Stored | None:
        """What stands under a key, or None where nothing does."""
        store_keys.required(key)
        return self._patiently(lambda: self._small.stat(key))

    def delete(self, key: str) -> None:
        """Drop a key; dropping what is not there is harmless."""
        store_keys.required(key)
        self._patiently(lambda: self._small.remove(key))

    def bucket(self, name: str) -> MinioBucket:
        """Another bucket of the same server, with the same credentials; for sources. The store closes it."""
        if name not in self._others:
            self._others[name] = MinioBucket(replace(self.url, bucket=name), DATA_SECONDS)
        return self._others[name]

    def settings(self) -> BucketSettings:
        """What the bucket does to objects by itself. Raises StoreError where these credentials may not ask."""
        return self._patiently(self._small.settings)

    def scoped(self, prefix: str) -> MinioStore:
        """This store for a quarter of an hour as one who may touch only what is below a prefix. Raises StoreError."""
        return MinioStore(self._small.scoped(store_keys.required_prefix(prefix)), may_make=False)

    def close(self) -> None:
        """Closes the connections; the store must not be used afterwards."""
        for bucket in (self._bodies, self._small, *self._others.values()):
            bucket.close()

    def _created(self, key: str, data: bytes) -> bool:
        """One conditional PUT, and a look at what stands there wherever its answer does not settle the matter.

        A lost reply, a 412 and a server's failure look alike from here: the write may have happened.
        """
        try:
            if self._small.put_if_absent(key, data):
                return True
            unsettled: StoreError | None = None
        except StoreUnavailable as silent:
            unsettled = silent
        try:
            return self._small.get(key) == data
        except KeyNotFound as missing:
            raise StoreUnavailable(
                f"It is not known whether {key} was created in {self}: {unsettled or missing}",
                hint=f"Do it again: the same bytes cannot be created twice. {unsettled.hint if unsettled else ''}".strip(),
            ) from (unsettled or missing)

    def _patiently(self, deed: Callable[[], T]) -> T:
        """Does it, and again for a few seconds while the store cannot be reached; only for what is harmless twice.

        Not stamina: it tells of every retry through structlog, which unconfigured writes among a command's output.
        """
        begun = time.monotonic()
        for pause_seconds in PAUSES_SECONDS:
            try:
                return deed()
            except StoreUnavailable:
                if time.monotonic() - begun > PATIENCE_SECONDS:
                    raise
            time.sleep(pause_seconds * random.uniform(0.5, 1.5))  # so that racers do not collide again
        return deed()


class MinioBucket:
    """One bucket of an S3 server: each call is one request, never begun again; its failures are our errors."""

    def __init__(self, url: store_url.BucketUrl, answer_seconds: float) -> None:
        self.url = url
        self._name = url.bucket
        self._http = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=answer_seconds),
            retries=False,  # the client's own would send a conditional PUT again, blindly
            cert_reqs="CERT_REQUIRED",
        )
        self._client = _client(url, self._http)

    def __str__(self) -> str:
        return str(self.url)

    def make(self) -> None:
        """Makes the bucket if it is missing; two who make it at once both succeed."""
        with self._answering("opening"):
            if self._client.bucket_exists(self._name):
                return
            try:
                self._client.make_bucket(self._name)
            except S3Error as refused:
                if refused.code != "BucketAlreadyOwnedByYou":
                    raise

    def get(self, key: str) -> bytes:
        """The bytes under a key, as they are. Raises KeyNotFound."""
        with self._answering("reading", key):
            response = self._client.get_object(self._name, key)
            try:
                return bytes(response.read())
            finally:
                response.release_conn()

    def put(self, key: str, data: bytes) -> None:
        """Writes bytes; above PART_BYTES in parts, which become visible together."""
        with self._answering("writing", key):
            self._client.put_object(
                self._name, key, BytesIO(data), len(data), part_size=PART_BYTES, num_parallel_uploads=1
            )

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        """Writes a file's bytes, in parts that become visible together."""
        size = path.stat().st_size
        with path.open("rb") as file, self._answering("writing", key):
            body = cast("BinaryIO", pieces.Told(file, tell))  # the client asks for nothing but `read`
            self._client.put_object(self._name, key, body, size, part_size=PART_BYTES, num_parallel_uploads=1)

    def get_file(self, key: str, path: Path) -> None:
        """Writes the bytes under a key to a file; those of a blob are verified. Raises KeyNotFound, Corrupt."""
        with self._answering("reading", key):
            response = self._client.get_object(self._name, key)
            try:
                pieces.into_file(key, response.stream(pieces.PIECE_BYTES), path)
            finally:
                response.close()
                response.release_conn()

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Writes bytes where nothing stands; False where the server says that something does.

        The client has no call for it, and turns a header given to `put_object` into metadata and overwrites.
        """
        headers: dict[str, str | list[str] | tuple[str]] = {
            "If-None-Match": "*",
            "Content-Type": "application/octet-stream",
        }
        with self._answering("creating", key):
            try:
                self._client._execute("PUT", self._name, key, body=data, headers=headers)
            except (S3Error, ServerError, InvalidResponseError) as refused:
                if _status(refused) != 412:
                    raise
                return False
        return True

    def stat(self, key: str) -> Stored | None:
        """What stands under a key, or None where nothing does."""
        try:
            with self._answering("looking for", key):
                found = self._client.stat_object(self._name, key)
        except KeyNotFound:
            return None
        return Stored(key, found.size or 0, _seconds(found.last_modified))

    def listing(self, prefix: str) -> Iterator[Listed]:
        """What starts with a prefix, by key."""
        with self._answering("listing", prefix):
            for found in self._client.list_objects(self._name, prefix, recursive=True):
                modified = _seconds(found.last_modified)
                yield Listed(found.object_name or "", found.size or 0, found.etag or "", modified)

    def remove(self, key: str) -> None:
        """Drops a key, if it is there."""
        with self._answering("deleting", key):
            self._client.remove_object(self._name, key)

    def settings(self) -> BucketSettings:
        """What the bucket does to objects by itself."""
        with self._answering("asking for the settings of the bucket"):
            versioning = self._client.get_bucket_versioning(self._name)
            lifecycle = self._client.get_bucket_lifecycle(self._name)
            return BucketSettings(
                keeps_versions=versioning.status == "Enabled",
                is_locked=self._is_locked(),
                expires=tuple(_scope(rule) for rule in lifecycle.rules if _expires(rule)) if lifecycle else (),
            )

    def scoped(self, prefix: str) -> store_url.BucketUrl:
        """This bucket with credentials lent for a quarter of an hour, good only below a prefix."""
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    "Resource": [f"arn:aws:s3:::{self._name}/{prefix}*"],
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket"],
                    "Resource": [f"arn:aws:s3:::{self._name}"],
                    "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}},
                },
            ],
        }
        with self._answering("lending credentials for", prefix):
            try:
                lent = AssumeRoleProvider(
                    sts_endpoint=self.url.origin,
                    access_key=self.url.access_key,
                    secret_key=self.url.secret_key,
                    duration_seconds=LENT_SECONDS,
                    policy=json.dumps(policy),
                    region=self.url.region,
                    http_client=self._http,
                ).retrieve()
            except ValueError as refused:
                raise StoreError(
                    f"{self.url.origin} lends no credentials: {refused}", hint="It takes STS, as MinIO has it."
                ) from refused
        return replace(
            self.url, access_key=lent.access_key, secret_key=lent.secret_key, session_token=lent.session_token or ""
        )

    def _is_locked(self) -> bool:
        try:
            return self._client.get_object_lock_config(self._name).mode is not None
        except S3Error as refused:
            if refused.code != "ObjectLockConfigurationNotFoundError":
                raise
            return False

    def close(self) -> None:
        """Closes the connections."""
        self._http.clear()

    @contextmanager
    def _answering(self, deed: str, key: str = "") -> Iterator[None]:
        """Turns what the client and its connections raise into the store's errors."""
        said, origin = f"The store at {self} failed at {deed} {key}".rstrip(), self.url.origin
        try:
            yield
        except S3Error as refused:
            code, words = refused.code or "", refused.message or ""
            raise s3_errors.explained(said, origin, status=_status(refused), code=code, words=words) from refused
        except (ServerError, InvalidResponseError) as odd:  # no S3 inside: a gateway's page, or no body at all
            raise s3_errors.explained(said, origin, status=_status(odd), code="", words="") from odd
        except (ParseError, ValueError) as odd:  # the client stumbles over gateways' pages and bodyless 409s
            words = f"{said}: not S3's answer ({type(odd).__name__})"
            raise StoreUnavailable(words, hint=s3_errors.speaks_s3(origin)) from odd
        except (urllib3.exceptions.HTTPError, OSError) as silent:
            raise StoreUnavailable(f"{said}: {silent}", hint=s3_errors.still_running(origin)) from silent


def _client(url: store_url.BucketUrl, http: urllib3.PoolManager) -> Minio:
    """The client; naming the region saves it from asking for the bucket's."""
    try:
        return Minio(
            url.endpoint,
            url.access_key,
            url.secret_key,
            url.session_token or None,
            secure=url.secure,
            region=url.region,
            http_client=http,
        )
    except ValueError as odd:
        raise StoreError(f"The store's address {url} is not sound: {odd}", hint=store_url.FORMS) from odd


def _expires(rule: Rule) -> bool:
    return rule.status == "Enabled" and rule.expiration is not None


def _scope(rule: Rule) -> str:
    """The prefix that a rule is for; empty for the whole bucket."""
    return (rule.rule_filter.prefix if rule.rule_filter else "") or ""


def _seconds(moment: datetime | None) -> float:
    """Seconds since 1970; none where the server does not say."""
    return moment.timestamp() if moment else 0.0


def _status(refused: S3Error | ServerError | InvalidResponseError) -> int:
    """The HTTP status that the client's three kinds of refusal carry, each in its own way."""
    match refused:
        case S3Error():
            return int(refused.response.status)
        case ServerError():
            return refused.status_code
    return refused._code
