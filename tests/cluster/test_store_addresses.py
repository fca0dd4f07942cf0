"""Addresses, keys and an S3 server's refusals are read the same way everywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import s3_errors, store_keys, store_url, stores
from cluster.folder_store import FolderStore
from cluster.store_url import BucketUrl, FolderUrl
from jobs.errors import KeyNotFound, StoreAddressInvalid, StoreError, StoreUnavailable


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("folder:///srv/store", FolderUrl(Path("/srv/store"))),
        ("folder:///srv/my%20store", FolderUrl(Path("/srv/my store"))),
        ("/srv/store", FolderUrl(Path("/srv/store"))),
        ("minio://who:s%2Fecret@host:9000/studio", BucketUrl("host:9000", "studio", False, "who", "s/ecret")),
        ("http://host/studio", BucketUrl("host", "studio", False, "given", "apart")),
        ("https://host:9000/studio?region=eu", BucketUrl("host:9000", "studio", True, "given", "apart", "eu")),
        ("https://who:secret@host/studio", BucketUrl("host", "studio", True, "who", "secret")),
    ],
)
def test_an_address_is_read(text: str, meant: FolderUrl | BucketUrl) -> None:
    assert store_url.parse(text, access_key="given", secret_key="apart") == meant


def test_a_plain_path_is_taken_from_here() -> None:
    assert store_url.parse("store") == FolderUrl(Path.cwd() / "store")


@pytest.mark.parametrize(
    "text",
    [
        "ftp://host/b",
        "folder://store",
        "minio://a:b@host:9000",
        "minio://a@host/studio",
        "http://host/studio",
        "http://a:b@/studio",
        "http://a:b@host:99999/studio",
        "http://a:b@host/Not_A_Bucket",
        "http://a:b@host/two/steps",
    ],
)
def test_an_address_that_names_no_store_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(StoreError) as told:
        store_url.parse(text)
    assert "minio://" in told.value.hint or "BRANDFARM_STORE" in told.value.hint


def test_a_name_that_no_bucket_can_have_is_told_from_a_missing_one() -> None:
    with pytest.raises(StoreAddressInvalid, match=r"'qa' is no name that a bucket can have\. It takes 3 to 63"):
        store_url.parse("minio://who:secret@host:9000/qa")


def test_no_credentials_are_ever_shown() -> None:
    parsed = store_url.parse("minio://who:secret@host:9000/studio")
    assert f"{parsed} {parsed!r}".count("secret") == 0
    with pytest.raises(StoreError) as told:
        store_url.parse("minio://who:secret@host:9000/Studio_")
    assert "secret" not in told.value.message


def test_opening_a_folder_loads_no_minio_client(tmp_path: Path) -> None:
    code = (
        "import sys; from cluster.stores import open_store; open_store(sys.argv[1]).put('a', b'x');"
        "assert not {'minio', 'urllib3', 'ray', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, f"folder://{tmp_path}/store"], check=True)
    opened = stores.open_store(str(tmp_path / "store"))
    assert isinstance(opened, FolderStore)
    assert opened.get("a") == b"x"


@settings(deadline=None)
@given(st.text(alphabet="ab./\\-_ \0~", max_size=12))
def test_an_accepted_key_never_leaves_the_store(text: str) -> None:
    try:
        key = store_keys.required(text)
    except StoreError:
        return
    assert (Path("/root/of/store") / key).resolve() == Path("/root/of/store").joinpath(*PurePosixPath(key).parts)
    assert str(PurePosixPath(key)) == key


@settings(deadline=None)
@given(st.text(alphabet="ab/.-", max_size=10), st.integers(min_value=0, max_value=10))
def test_every_beginning_of_a_key_is_a_prefix(text: str, length: int) -> None:
    try:
        key = store_keys.required(text)
    except StoreError:
        return
    assert store_keys.required_prefix(key[:length]) == key[:length]


@pytest.mark.parametrize(
    ("status", "code", "error", "hint"),
    [
        (404, "NoSuchKey", KeyNotFound, ""),
        (404, "NoSuchBucket", StoreError, "bucket is gone"),
        (403, "AccessDenied", StoreError, "policy"),
        (403, "SignatureDoesNotMatch", StoreError, "secret key"),
        (403, "RequestTimeTooSkewed", StoreError, "clocks"),
        (507, "XMinioStorageFull", StoreUnavailable, "free space"),
        (503, "SlowDown", StoreUnavailable, "more to do than it can"),
        (502, "", StoreUnavailable, "Is MinIO running"),
        (409, "OperationAborted", StoreUnavailable, "Is MinIO running"),
        (404, "", StoreError, "Does an S3 server answer"),
    ],
)
def test_a_refusal_becomes_the_error_that_says_what_to_do(
    status: int, code: str, error: type[StoreError], hint: str
) -> None:
    told = s3_errors.explained("reading a", "http://host:9000", status=status, code=code, words="because")
    assert type(told) is error
    assert "reading a: because" in told.message
    assert hint in told.hint
