"""The MinIO store keeps the contract on a real server, and tells a lost answer from a lost race."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.minio_store import MinioBucket, MinioStore
from cluster.store_url import BucketUrl, parse
from jobs.errors import StoreError, StoreUnavailable
from jobs.ports import ObjectStore
from tests.contract.store import DEEDS, StoreContract
from tests.store.proxy import Mishap, Proxy, in_front_of
from tests.tools import minio
from tests.tools.minio import MinioServer

pytestmark = pytest.mark.minio


def address(server: MinioServer, bucket: str) -> BucketUrl:
    parsed = parse(server.url_with_credentials(bucket))
    assert isinstance(parsed, BucketUrl)
    return parsed


@pytest.fixture
def store(minio_server: MinioServer, bucket_name: str) -> Iterator[MinioStore]:
    with closing(MinioStore(address(minio_server, bucket_name))) as opened:
        yield opened


class TestMinioStore(StoreContract):
    @pytest.fixture
    def store(self, minio_server: MinioServer, bucket_name: str) -> Iterator[MinioStore]:
        with closing(MinioStore(minio_server.url_with_credentials(bucket_name))) as opened:
            yield opened

    @pytest.fixture
    def second(self, store: MinioStore) -> Iterator[MinioStore]:
        with closing(MinioStore(store.url)) as opened:
            yield opened

    def tamper(self, store: ObjectStore, key: str, data: bytes) -> None:
        assert isinstance(store, MinioStore)
        with closing(MinioBucket(store.url, answer_seconds=5)) as bucket:
            bucket.put(key, data)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @contextmanager
    def lost(self) -> Iterator[ObjectStore]:
        with minio.running(self.folder) as server, closing(MinioStore(address(server, "lost"))) as opened:
            opened.put("cache/warm", b"a connection is open")
            server.stop()
            yield opened


@pytest.fixture
def proxy(minio_server: MinioServer) -> Iterator[Proxy]:
    with in_front_of(minio_server.endpoint) as opened:
        yield opened


@pytest.fixture
def shaky(store: MinioStore, proxy: Proxy) -> Iterator[MinioStore]:
    """The same bucket, through the proxy."""
    with closing(MinioStore(replace(store.url, endpoint=proxy.endpoint))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("mishaps", "puts"),
    [
        ([Mishap.REPLY_LOST], 1),
        ([Mishap.REPLY_IS_503], 1),
        ([Mishap.REQUEST_LOST], 2),
        ([Mishap.REPLY_IS_409], 2),
        ([Mishap.REQUEST_LOST, Mishap.REPLY_IS_409, Mishap.REPLY_LOST], 3),
    ],
    ids=str,
)
def test_a_create_whose_answer_is_spoiled_still_knows_that_it_won(
    store: MinioStore, shaky: MinioStore, proxy: Proxy, mishaps: list[Mishap], puts: int
) -> None:
    proxy.mishaps = list(mishaps)
    assert shaky.create("record/train/a", b"mine")
    assert store.get("record/train/a") == b"mine"
    assert proxy.conditional_puts == puts


@pytest.mark.parametrize("mishap", Mishap)
def test_a_create_whose_answer_is_spoiled_still_knows_that_it_lost(
    store: MinioStore, shaky: MinioStore, proxy: Proxy, mishap: Mishap
) -> None:
    store.create("record/train/a", b"theirs")
    proxy.mishaps = [mishap]
    assert not shaky.create("record/train/a", b"mine")
    assert store.get("record/train/a") == b"theirs"


@pytest.mark.slow
def test_a_server_that_is_silent_is_told_of_before_a_second_try_of_ten_seconds_could_end(tmp_path: Path) -> None:
    deeds: list[Callable[[MinioStore], object]] = [
        lambda store: store.create("record/a", b"x"),
        lambda store: store.put("cache/a", b"x"),
        lambda store: store.get("cache/a"),
        lambda store: store.exists("cache/a"),
        lambda store: list(store.list("")),
    ]
    with minio.running(tmp_path) as server, closing(MinioStore(address(server, "silent"))) as store:

        def seconds_until_told(deed: Callable[[MinioStore], object]) -> float:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable, match="failed at") as told:
                deed(store)
            assert f"Is MinIO running at http://{server.endpoint}?" in told.value.hint
            return time.monotonic() - begun

        server.freeze()
        with ThreadPoolExecutor(len(deeds)) as at_once:
            assert max(at_once.map(seconds_until_told, deeds)) < 18


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_short_break_of_the_network_goes_unnoticed(
    store: MinioStore, shaky: MinioStore, proxy: Proxy, deed: Callable[[ObjectStore, str], object]
) -> None:
    store.put("cache/a", b"x")
    proxy.turned_away = 2
    deed(shaky, "cache/a")
    assert proxy.turned_away == 0


def test_wrong_credentials_are_named_without_being_shown(minio_server: MinioServer, bucket_name: str) -> None:
    with pytest.raises(StoreError, match=bucket_name) as told:
        MinioStore(minio_server.url(bucket_name), access_key=minio_server.access_key, secret_key="wr0ng-s3cret")
    assert not told.value.retryable
    assert "policy" in told.value.hint or "secret key" in told.value.hint
    assert "wr0ng" not in f"{told.value} {told.value.hint} {told.value.__cause__}"


def test_two_who_open_a_new_bucket_at_once_both_succeed(minio_server: MinioServer, bucket_name: str) -> None:
    opened: list[MinioStore] = []
    threads = [
        threading.Thread(target=lambda: opened.append(MinioStore(address(minio_server, bucket_name)))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    for store in opened:
        store.close()


def test_a_web_server_that_is_no_store_is_told_apart() -> None:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello")

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as page:
        thread = threading.Thread(target=page.serve_forever)
        thread.start()
        web_address = f"minio://a:b@127.0.0.1:{page.server_port}/bucket"
        with closing(MinioStore(web_address)) as store, pytest.raises(StoreError, match="not S3") as told:
            store.list("")
        page.shutdown()
        thread.join()
    assert "Does an S3 server answer" in told.value.hint
