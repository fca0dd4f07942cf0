"""What every ObjectStore keeps, whatever it is made of. A room's tests inherit this and say how to make one."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from jobs import keys
from jobs.errors import Corrupt, KeyNotFound, StoreError, StoreUnavailable
from jobs.identity import digest_of
from jobs.ports import ObjectStore

RACERS = 32


def fetched(store: ObjectStore, key: str) -> bytes:
    """What `get_file` writes."""
    with tempfile.TemporaryDirectory() as folder:
        store.get_file(key, Path(folder) / "fetched")
        return (Path(folder) / "fetched").read_bytes()


BAD_KEYS = ["", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/.b", ".", "a b", "a\\b", "a\0b", "ä", "a" * 2000]
BODIES = {"empty": b"", "binary": bytes(range(256)) * 5, "20 MB": b"0123456789abcdef" * 1_250_000}
DEEDS: dict[str, Callable[[ObjectStore, str], object]] = {
    "put": lambda store, key: store.put(key, b"x"),
    "create": lambda store, key: store.create(key, b"x"),
    "get": lambda store, key: store.get(key),
    "exists": lambda store, key: store.exists(key),
    "delete": lambda store, key: store.delete(key),
    "list": lambda store, key: list(store.list(key)),
    "put_file": lambda store, key: store.put_file(key, Path(__file__)),
    "get_file": lambda store, key: fetched(store, key),
    "sizes": lambda store, key: list(store.sizes(key)),
    "stat": lambda store, key: store.stat(key),
}


class StoreContract(ABC):
    """One empty store, another client of the same, and the ways to hurt it."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> Iterator[ObjectStore]:
        """An empty store."""

    @pytest.fixture
    @abstractmethod
    def second(self, store: ObjectStore) -> Iterator[ObjectStore]:
        """Another client of that store."""

    @abstractmethod
    def tamper(self, store: ObjectStore, key: str, data: bytes) -> None:
        """Replaces bytes behind the store's back."""

    @abstractmethod
    def lost(self) -> AbstractContextManager[ObjectStore]:
        """A store that was opened and has since gone away."""

    @pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
    def test_a_second_client_reads_what_the_first_wrote(
        self, store: ObjectStore, second: ObjectStore, body: bytes
    ) -> None:
        store.put("cache/one", body)
        assert store.create("cache/two", body)
        assert [second.get("cache/one") == body, second.get("cache/two") == body] == [True, True]
        assert second.exists("cache/one")
        assert list(second.list("cache/")) == ["cache/one", "cache/two"]

    def test_of_many_who_create_one_key_at_once_exactly_one_wins(self, store: ObjectStore, second: ObjectStore) -> None:
        ready = threading.Barrier(RACERS)

        def race(number: int) -> bool:
            ready.wait()
            return (store if number % 2 else second).create("epoch/1", f"racer {number}".encode())

        with ThreadPoolExecutor(RACERS) as racers:
            won = list(racers.map(race, range(RACERS)))
        assert won.count(True) == 1
        assert store.get("epoch/1") == f"racer {won.index(True)}".encode()

    def test_creating_again_is_true_for_the_same_bytes_and_false_for_others(self, store: ObjectStore) -> None:
        assert store.create("record/train/a", b"first")
        assert store.create("record/train/a", b"first")
        assert not store.create("record/train/a", b"other")
        assert store.get("record/train/a") == b"first"

    def test_creating_does_not_overwrite_what_was_put(self, store: ObjectStore) -> None:
        store.put("cache/a", b"put")
        assert not store.create("cache/a", b"created")
        assert store.get("cache/a") == b"put"

    def test_putting_again_replaces(self, store: ObjectStore) -> None:
        store.put("cache/a", b"a long first body")
        store.put("cache/a", b"short")
        assert store.get("cache/a") == b"short"

    def test_listing_is_whole_and_in_the_order_of_keys(self, store: ObjectStore) -> None:
        written = ["a/b/c", "a/b-c", "a/b.c", "a/b0", "a/B", "a/b/d/e", "ab", "a-b/c", "b/0010", "b/0009", "b/1"]
        for key in written:
            store.put(key, b"")
        assert list(store.list("")) == sorted(written)
        assert list(store.list("a/b")) == ["a/b-c", "a/b.c", "a/b/c", "a/b/d/e", "a/b0"]
        assert list(store.list("a/b/")) == ["a/b/c", "a/b/d/e"]
        assert list(store.list("b/00")) == ["b/0009", "b/0010"]
        assert list(store.list("b/0009")) == ["b/0009"]
        assert list(store.list("nothing/here")) == []

    def test_listing_goes_on_past_a_page(self, store: ObjectStore) -> None:
        written = [f"cache/{number:04d}" for number in range(1003)]
        with ThreadPoolExecutor(8) as writers:
            list(writers.map(lambda key: store.put(key, b""), written))
        assert list(store.list("cache/")) == written

    def test_sizes_and_times_are_told_of_what_stands(self, store: ObjectStore, second: ObjectStore) -> None:
        for key, body in (("a/two", b"22"), ("a/one", b""), ("b/three", b"333")):
            store.put(key, body)
        told = list(second.sizes("a/"))
        assert [(one.key, one.size) for one in told] == [("a/one", 0), ("a/two", 2)]
        assert all(abs(one.modified - time.time()) < 60 for one in told)
        first = second.stat("b/three")
        assert first is not None
        assert (first.key, first.size) == ("b/three", 3)
        assert second.stat("b") is None
        assert second.stat("b/nothing") is None

    def test_a_blob_that_was_tampered_with_is_never_given_out(self, store: ObjectStore) -> None:
        key = keys.blob(digest_of(b"a photograph"))
        store.put(key, b"a photograph")
        assert store.get(key) == b"a photograph"
        self.tamper(store, key, b"a photogrAph")
        with pytest.raises(Corrupt, match="not what their digest names"):
            store.get(key)
        store.put(key, b"a photograph")
        assert store.get(key) == b"a photograph"

    def test_a_file_goes_in_and_comes_out_in_pieces(
        self, store: ObjectStore, second: ObjectStore, tmp_path: Path
    ) -> None:
        given, back, told = tmp_path / "given", tmp_path / "back", list[int]()
        given.write_bytes(BODIES["20 MB"])
        key = keys.blob(digest_of(BODIES["20 MB"]))
        store.put_file(key, given, told.append)
        second.get_file(key, back)
        assert back.read_bytes() == BODIES["20 MB"]
        assert told == sorted(told)
        assert told[-1] == len(BODIES["20 MB"])
        store.put_file("cache/empty", Path(os.devnull))
        assert store.get("cache/empty") == b""

    def test_no_file_is_left_of_what_is_not_there_or_was_tampered_with(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        key, back = keys.blob(digest_of(b"a photograph")), tmp_path / "back"
        with pytest.raises(KeyNotFound):
            store.get_file(key, back)
        store.put(key, b"a photograph")
        self.tamper(store, key, b"a photogrAph")
        with pytest.raises(Corrupt, match="not what their digest names"):
            store.get_file(key, back)
        assert not back.exists()

    def test_what_was_deleted_is_gone_and_deleting_again_is_harmless(self, store: ObjectStore) -> None:
        store.put("cache/a/b", b"x")
        store.delete("cache/a/b")
        store.delete("cache/a/b")
        store.delete("cache/never/there")
        assert not store.exists("cache/a/b")
        assert list(store.list("")) == []
        assert store.create("cache/a/b", b"again")

    @pytest.mark.parametrize("key", ["record/train/unknown", "record/train", "record/train/known/below"])
    def test_a_key_that_was_never_written_is_not_found(self, store: ObjectStore, key: str) -> None:
        store.put("record/train/known", b"x")
        assert not store.exists(key)
        with pytest.raises(KeyNotFound, match=key):
            store.get(key)

    @pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
    def test_a_key_that_could_leave_the_store_is_refused(
        self, store: ObjectStore, deed: Callable[[ObjectStore, str], object]
    ) -> None:
        lawful_prefixes = {"", "a/"} if deed in (DEEDS["list"], DEEDS["sizes"]) else set()
        for key in BAD_KEYS:
            if key not in lawful_prefixes:
                with pytest.raises(StoreError, match="of the store"):
                    deed(store, key)
        assert list(store.list("")) == []

    @pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
    def test_a_store_that_went_away_is_told_of_soon_with_the_next_step(
        self, deed: Callable[[ObjectStore, str], object]
    ) -> None:
        with self.lost() as store:
            begun = time.monotonic()
            with pytest.raises(StoreUnavailable) as told:
                deed(store, "cache/a")
        assert time.monotonic() - begun < 12
        assert told.value.retryable
        assert "?" in told.value.hint
