"""An `s3://` source is read from a real server, and its names stay below its prefix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from cluster.minio_store import MinioStore
from cluster.sources import Listed, S3Source, open_source, write_upload
from cluster.stores import open_store
from jobs.errors import SourceUnreadable
from jobs.ports import SourceFile
from tests.tools.minio import MinioServer

pytestmark = pytest.mark.minio
MD5_OF_X = "9dd4e461268c8034f5c8564e155c67a6"


@pytest.fixture
def store(minio_server: MinioServer, bucket_name: str) -> Iterator[MinioStore]:
    opened = open_store(
        minio_server.url(bucket_name), access_key=minio_server.access_key, secret_key=minio_server.secret_key
    )
    assert isinstance(opened, MinioStore)
    with closing(opened):
        yield opened


@pytest.fixture
def photographs(store: MinioStore, bucket_name: str) -> str:
    """Another bucket, with pictures under a prefix and more around it."""
    name = f"{bucket_name}-photos"
    bucket = store.bucket(name)
    bucket.make()
    for key in ("shots/b 1.png", "shots/a.png", "shots/beach/ö.png", "shots/.DS_Store", "shots2/z.png", "y.png"):
        bucket.put(key, b"x")
    return name


def test_the_files_below_a_prefix_are_listed_and_read(store: MinioStore, photographs: str) -> None:
    for address in (f"s3://{photographs}/shots", f"s3://{photographs}/shots/"):
        source = open_source(store, address)
        assert source.list() == [
            SourceFile("a.png", 1, MD5_OF_X),
            SourceFile("b 1.png", 1, MD5_OF_X),
            SourceFile("beach/ö.png", 1, MD5_OF_X),
        ]
        assert [source.read(file.name) for file in source.list()] == [b"x", b"x", b"x"]


def test_a_whole_bucket_is_a_source(store: MinioStore, photographs: str) -> None:
    names = [file.name for file in open_source(store, f"s3://{photographs}").list()]
    assert names == ["shots/a.png", "shots/b 1.png", "shots/beach/ö.png", "shots2/z.png", "y.png"]


def test_an_etag_changes_with_the_bytes(store: MinioStore, photographs: str) -> None:
    source = open_source(store, f"s3://{photographs}/shots2")
    before = source.list()
    store.bucket(photographs).put("shots2/z.png", b"y")
    assert [before[0].tag == MD5_OF_X, source.list()[0].tag == MD5_OF_X] == [True, False]


@pytest.mark.parametrize("name", ["../y.png", "/y.png", "a/../../y.png", "", "a\\b"])
def test_a_name_that_leaves_the_prefix_is_refused(store: MinioStore, photographs: str, name: str) -> None:
    with pytest.raises(SourceUnreadable, match="leaves the folder"):
        open_source(store, f"s3://{photographs}/shots").read(name)


def test_a_server_that_lists_a_name_that_leaves_the_prefix_is_not_believed() -> None:
    class Sly:
        def bucket(self, name: str) -> Sly:
            return self

        def listing(self, prefix: str) -> Iterator[Listed]:
            yield Listed(prefix + "../../etc/passwd", 1, "tag")

        def get(self, key: str) -> bytes:
            return b""

    with pytest.raises(SourceUnreadable, match="leaves the folder"):
        S3Source(Sly(), "s3://bucket/shots").list()


def test_what_is_missing_is_named(store: MinioStore, photographs: str) -> None:
    with pytest.raises(SourceUnreadable, match=r"z\.png cannot be read"):
        open_source(store, f"s3://{photographs}/shots").read("z.png")
    with pytest.raises(SourceUnreadable, match="no-such-bucket cannot be read") as told:
        open_source(store, "s3://no-such-bucket").list()
    assert told.value.hint
    for address in ("s3://", "s3:///shots", "s3://Not_A_Bucket/shots"):
        with pytest.raises(SourceUnreadable, match="names no bucket"):
            open_source(store, address)


def test_an_upload_works_on_a_server_too(store: MinioStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shots")
    (folder / "a.png").write_bytes(b"picture")
    source = open_source(store, write_upload(store, folder))
    assert [(file.name, source.read(file.name)) for file in source.list()] == [("a.png", b"picture")]
