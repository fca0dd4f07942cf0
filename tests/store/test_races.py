"""Many writers, one record: exactly one wins and everybody learns the truth, whatever network, disk or death does to them."""

from __future__ import annotations

import http.server
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cluster.folder_store import SCRATCH, FolderStore
from cluster.minio_store import MinioBucket, MinioStore
from cluster.store_url import BucketUrl, parse
from jobs import blobs, keys, publish
from jobs.errors import StoreUnavailable
from tests.store import races
from tests.store.long_races import race_in_bad_weather
from tests.store.proxy import Mishap, in_front_of
from tests.store.weather import Weather
from tests.tools import minio
from tests.tools.minio import MinioServer

KEYS, WRITERS, SEED = 20, 32, 4
"""The long set races for 100 keys, under several seeds."""


@pytest.mark.minio
@pytest.mark.slow
def test_of_32_writers_in_bad_weather_one_wins_each_key_and_nobody_is_told_a_falsehood(
    minio_server: MinioServer, bucket_name: str
) -> None:
    race_in_bad_weather(minio_server, bucket_name, seed=SEED, keys_count=KEYS, writers=WRITERS)


RACERS, EACH = 8, 4
"""Processes that share a folder, and the writers of each."""

VICTIMS = {"fsync": 61, "link": 23, "replace": 17}
"""By the call of the operating system in which a writer's process dies, at which one."""


@pytest.mark.slow
def test_writers_in_many_processes_of_which_some_die_in_the_middle_agree_on_one_record_a_key(tmp_path: Path) -> None:
    store, raced, race = FolderStore(tmp_path), races.record_keys(SEED, KEYS), races.Race()
    deaths = [*VICTIMS, *[""] * (RACERS - len(VICTIMS))]
    with races.watched(race, store, raced, SEED), ExitStack() as stack:
        racers = [stack.enter_context(_racer(tmp_path, number, death)) for number, death in enumerate(deaths)]
        _start_at_once(racers)
        told = [line for racer in racers for line in racer.communicate()[0].splitlines()]
    race.told = [races.Told.from_json(line) for line in told]
    assert [racer.returncode for racer in racers] == [-signal.SIGKILL if death else 0 for death in deaths]
    killed = [f"{SEED}-{number}" for number in range(EACH * len(VICTIMS))]
    races.require_truth(race, store, raced, killed)
    assert len(race.seen) > KEYS / 2
    assert [key for key in store.list("") if key.startswith(keys.CAS) and not store.get(key)] == []


@contextmanager
def _racer(root: Path, number: int, death: str) -> Iterator[subprocess.Popen[str]]:
    """One process of four writers, ready to begin, killed at the end if it still lives."""
    writers = [str(number * EACH), str((number + 1) * EACH)]
    command = [sys.executable, "-m", "tests.store.folder_racer", str(root), "--writers", *writers]
    command += ["--seed", str(SEED), "--keys", str(KEYS)]
    command += ["--die-in", death, "--at", str(VICTIMS[death])] if death else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _start_at_once(racers: list[subprocess.Popen[str]]) -> None:
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, of that size; skips where this user may not mount one."""
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_folder_on_a_full_disk_keeps_what_it_has_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    record: dict[str, Any] = {"long": "x" * 60_000}
    with _small_disk(tmp_path / "disk", "1m") as disk:
        store = FolderStore(disk)
        kept = list(_until_full(store))
        _require_only(store, kept)
        with pytest.raises(StoreUnavailable, match="No space left") as told:
            publish.record(store, keys.train("a"), record, blobs=kept[:1], write_id="w1")
        assert "free space on it" in told.value.hint
        _require_only(store, kept)
        store.delete(keys.blob(kept.pop(0)))
        assert publish.record(store, keys.train("a"), record, blobs=kept[:1], write_id="w1").won


def _until_full(store: FolderStore) -> Iterator[str]:
    """Keeps blobs until the disk is full; the digests of those that were kept, the last ones small."""
    for size in (150_000, 20_000):
        with suppress(StoreUnavailable):
            for number in count():
                yield blobs.put(store, number.to_bytes(4) * (size // 4))


def test_a_write_that_is_broken_off_in_its_middle_leaves_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        for deed in (store.put, store.create):
            with pytest.raises(StoreUnavailable, match="File too large") as told:
                deed("cache/a", b"x" * 150_000)
            assert "ulimit -f" in told.value.hint
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _require_only(store, [])
    assert store.create("cache/a", b"x" * 150_000)


def _require_only(store: FolderStore, kept: Sequence[str]) -> None:
    """Nothing but these blobs stands there, each of them whole, and nothing is left of what was begun."""
    assert list(store.list("")) == sorted(keys.blob(digest) for digest in kept)
    for digest in kept:
        blobs.get(store, digest)
    assert list((store.root / SCRATCH).iterdir()) == []


class Script(Weather):
    """Mishaps in a fixed order, then fair weather."""

    def __init__(self, *mishaps: Mishap) -> None:
        super().__init__(SEED, {})
        self._coming = list(mishaps)

    def fate(self) -> tuple[Mishap | None, float]:
        return (self._coming.pop(0) if self._coming else None), 0.0


@pytest.mark.minio
def test_a_create_whose_answer_and_whose_look_are_lost_learns_later_that_it_won(
    minio_server: MinioServer, bucket_name: str
) -> None:
    address = parse(minio_server.url_with_credentials(bucket_name))
    assert isinstance(address, BucketUrl)
    with ExitStack() as stack:
        proxy = stack.enter_context(in_front_of(minio_server.endpoint))
        store = stack.enter_context(closing(MinioStore(replace(address, endpoint=proxy.endpoint))))
        proxy.weather = Script(Mishap.REPLY_LOST, Mishap.REQUEST_LOST)
        assert store.create("record/train/a", b"mine")
        assert proxy.conditional_puts == 2  # the second was refused: something stood there, and it was ours


@pytest.mark.minio
@pytest.mark.parametrize(
    ("mishap", "hint"), [(Mishap.DISK_FULL, "free space"), (Mishap.SLOW_DOWN, "more to do than it can")]
)
def test_a_server_that_is_full_or_busy_is_told_of_with_the_next_step_and_works_again_later(
    minio_server: MinioServer, bucket_name: str, mishap: Mishap, hint: str
) -> None:
    address = parse(minio_server.url_with_credentials(bucket_name))
    assert isinstance(address, BucketUrl)
    with ExitStack() as stack:
        proxy = stack.enter_context(in_front_of(minio_server.endpoint))
        store = stack.enter_context(closing(MinioStore(replace(address, endpoint=proxy.endpoint))))
        proxy.weather = Weather(SEED, {mishap: 1.0})
        for deed in (store.put, store.create):
            with pytest.raises(StoreUnavailable) as told:
                deed("cache/a", b"x")
            assert hint in told.value.hint
        proxy.weather = None
        assert list(store.list("")) == []
        assert store.create("cache/a", b"x")


@pytest.mark.minio
def test_a_minio_on_a_full_disk_refuses_a_record_for_now_and_takes_it_when_there_is_room(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(_small_disk(tmp_path / "objects", "24m"))
        server = stack.enter_context(minio.running(tmp_path))
        store = stack.enter_context(closing(MinioStore(server.url_with_credentials("full"))))
        kept = blobs.put(store, b"kept")
        _fill(disk / "ballast")
        with pytest.raises(StoreUnavailable) as told:
            publish.record(store, keys.train("a"), {"blob": kept}, blobs=[kept], write_id="w1")
        assert "free space" in told.value.hint
        assert list(store.list("")) == [keys.blob(kept)]
        (disk / "ballast").unlink()
        assert _until_there_is_room(
            lambda: publish.record(store, keys.train("a"), {"blob": kept}, blobs=[kept], write_id="w1").won
        )


def _until_there_is_room(deed: Callable[[], bool]) -> bool:
    """The server looks at its disk from time to time, and refuses until then."""
    until = time.monotonic() + 30
    while True:
        try:
            return deed()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
        time.sleep(0.1)


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))


ODD_ANSWERS = {
    "a 409 without a body": (409, b""),
    "a page in another alphabet": (502, "<html>Schlüssel".encode("latin-1")),
    "a page": (502, b"<html>bad gateway"),
    "a broken XML": (503, b"<?xml version='1.0'?><Error><Co"),
}


BUCKET_DEEDS: dict[str, Callable[[MinioBucket], object]] = {
    "put": lambda bucket: bucket.put("cache/a", b"x"),
    "put if absent": lambda bucket: bucket.put_if_absent("cache/a", b"x"),
    "get": lambda bucket: bucket.get("cache/a"),
    "stat": lambda bucket: bucket.stat("cache/a"),
    "listing": lambda bucket: list(bucket.listing("")),
    "remove": lambda bucket: bucket.remove("cache/a"),
}


@pytest.mark.parametrize(("status", "body"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
@pytest.mark.parametrize("deed", BUCKET_DEEDS)
def test_whatever_a_gateway_answers_in_its_trouble_may_be_tried_again(deed: str, status: int, body: bytes) -> None:
    with ExitStack() as stack:
        endpoint = stack.enter_context(_gateway(status, body))
        bucket = stack.enter_context(closing(MinioBucket(_address(endpoint), answer_seconds=5)))
        told = stack.enter_context(pytest.raises(StoreUnavailable, match="failed at"))
        BUCKET_DEEDS[deed](bucket)
    assert "?" in told.value.hint


@contextmanager
def _gateway(status: int, body: bytes) -> Iterator[str]:
    """Where a server listens that gives one answer to everything."""

    class Gateway(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/xml" if body.startswith(b"<?xml") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _address(endpoint: str) -> BucketUrl:
    return BucketUrl(endpoint, "bucket", access_key="a", secret_key="b")
