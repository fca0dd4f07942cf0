"""Records are small, created once, and never before the blobs they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.errors import Corrupt, KeyNotFound, StoreError
from jobs.publish import Published

KEY = "record/train/a"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_a_record_is_published_with_its_write_id_and_read_back(store: FolderStore) -> None:
    published = publish.record(store, KEY, {"loss": 0.25}, write_id="w1")
    assert published == Published({"loss": 0.25, "writeId": "w1"}, won=True, agrees=True)
    assert publish.read(store, KEY) == {"loss": 0.25, "writeId": "w1"}


def test_write_ids_differ_unless_given(store: FolderStore) -> None:
    first, second = (publish.record(store, f"record/train/{name}", {}) for name in "ab")
    assert first.body["writeId"] != second.body["writeId"]


def test_publishing_again_with_the_same_write_id_wins_again(store: FolderStore) -> None:
    first = publish.record(store, KEY, {"loss": 0.25}, write_id="w1")
    assert publish.record(store, KEY, {"loss": 0.25}, write_id="w1") == first


def test_the_second_to_publish_adopts_the_first_one_s_record(store: FolderStore) -> None:
    publish.record(store, KEY, {"loss": 0.25, "attempt": 1}, write_id="w1")
    other = publish.record(store, KEY, {"loss": 0.5, "attempt": 2}, write_id="w2")
    assert other == Published({"loss": 0.25, "attempt": 1, "writeId": "w1"}, won=False, agrees=False)


def test_a_second_attempt_that_says_the_same_agrees_and_has_not_won(store: FolderStore) -> None:
    publish.record(store, KEY, {"loss": 0.25, "attempt": 1}, write_id="w1")
    same = publish.record(store, KEY, {"loss": 0.25, "attempt": 2}, write_id="w2")
    assert same == Published({"loss": 0.25, "attempt": 1, "writeId": "w1"}, won=False, agrees=True)


def test_a_record_that_names_a_missing_blob_is_not_written(store: FolderStore) -> None:
    there = blobs.put(store, b"adapter")
    with pytest.raises(StoreError, match="1 blobs that are not in the store, first ffffffffffff"):
        publish.record(store, KEY, {}, blobs=[there, "f" * 64])
    assert publish.read(store, KEY) is None
    assert publish.record(store, KEY, {}, blobs=[there]).won


def test_a_record_over_64_kib_is_refused(store: FolderStore) -> None:
    with pytest.raises(StoreError, match="at most 65536") as told:
        publish.record(store, KEY, {"list": "x" * publish.LARGEST_RECORD})
    assert "blob" in told.value.hint
    assert publish.read(store, KEY) is None


def test_what_is_no_record_is_not_read_as_one(store: FolderStore) -> None:
    for junk in (b"\xff", b"[1]", b"{"):
        store.put(KEY, junk)
        with pytest.raises(StoreError, match="is not a record"):
            publish.read(store, KEY)


def test_blobs_are_found_by_what_they_hold(store: FolderStore) -> None:
    digest = blobs.put(store, b"photograph")
    assert blobs.put(store, b"photograph") == digest
    assert list(store.list("")) == [keys.blob(digest)]
    assert blobs.get(store, digest) == b"photograph"
    assert blobs.exists(store, digest)


def test_json_blobs_do_not_depend_on_the_order_of_fields(store: FolderStore) -> None:
    digest = blobs.put_json(store, {"b": [1, 2], "a": "ä"})
    assert blobs.put_json(store, {"a": "ä", "b": [1, 2]}) == digest
    assert blobs.get_json(store, digest) == {"a": "ä", "b": [1, 2]}


def test_a_blob_that_changed_or_never_was_is_told_apart(store: FolderStore) -> None:
    digest = blobs.put(store, b"photograph")
    (store.root / keys.blob(digest)).write_bytes(b"another one")
    with pytest.raises(Corrupt):
        blobs.get(store, digest)
    with pytest.raises(KeyNotFound):
        blobs.get(store, "0" * 64)
