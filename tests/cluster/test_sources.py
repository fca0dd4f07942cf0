"""Folders are uploaded once and whole, and no name or link leads out of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cluster import uploads
from cluster.folder_store import FolderStore
from cluster.sources import open_source, write_upload
from jobs import blobs, keys
from jobs.errors import SourceUnreadable, StoreUnavailable
from jobs.identity import digest_of
from jobs.ports import SourceFile


class CountingStore(FolderStore):
    """A folder store that tells how many bodies it was sent, and may fail at one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.puts = 0
        self.fails_at = 0

    def put(self, key: str, data: bytes) -> None:
        self.puts += 1
        if self.puts == self.fails_at:
            raise StoreUnavailable("The store went away.")
        super().put(key, data)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Two pictures with captions, one of them in a folder below, and what a file browser left."""
    folder = tmp_path / "shots"
    (folder / "beach").mkdir(parents=True)
    for name, body in {
        "a.png": b"picture a",
        "a.txt": b"a sock",
        "beach/b.png": b"picture b",
        ".DS_Store": b"browser",
        "beach/.hidden": b"browser",
    }.items():
        (folder / name).write_bytes(body)
    return folder


def test_an_uploaded_folder_is_listed_and_read_by_name(store: CountingStore, shots: Path) -> None:
    source = open_source(store, write_upload(store, shots))
    assert source.list() == [
        SourceFile("a.png", 9, digest_of(b"picture a")),
        SourceFile("a.txt", 6, digest_of(b"a sock")),
        SourceFile("beach/b.png", 9, digest_of(b"picture b")),
    ]
    assert [source.read(file.name) for file in source.list()] == [b"picture a", b"a sock", b"picture b"]


def test_the_same_files_have_the_same_address_wherever_they_lie(
    store: CountingStore, shots: Path, tmp_path: Path
) -> None:
    first = write_upload(store, shots)
    moved = shutil.move(shots, tmp_path / "moved")
    assert write_upload(store, Path(moved)) == first
    (tmp_path / "moved" / "a.txt").write_bytes(b"another sock")
    assert write_upload(store, Path(moved)) != first


def test_an_upload_begun_again_sends_only_what_is_missing(store: CountingStore, shots: Path) -> None:
    store.fails_at = 3
    with pytest.raises(StoreUnavailable):
        write_upload(store, shots)
    store.puts, store.fails_at = 0, 0
    address = write_upload(store, shots)
    assert store.puts == 2  # the third file and the listing
    write_upload(store, shots)
    assert store.puts == 2
    assert len(open_source(store, address).list()) == 3


def test_progress_is_told_from_none_to_all(store: CountingStore, shots: Path) -> None:
    told: list[tuple[int, int]] = []
    write_upload(store, shots, lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_folder_of_a_whole_disk_is_refused_before_anything_is_sent(
    store: CountingStore, shots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_FILES", 2)
    with pytest.raises(SourceUnreadable, match="more than 2 files"):
        write_upload(store, shots)
    assert store.puts == 0


def test_links_that_stay_inside_are_files_like_others(store: CountingStore, shots: Path) -> None:
    (shots / "c.png").symlink_to(shots / "a.png")
    (shots / "coast").symlink_to(shots / "beach", target_is_directory=True)
    names = [file.name for file in open_source(store, write_upload(store, shots)).list()]
    assert names == ["a.png", "a.txt", "beach/b.png", "c.png"]


@pytest.mark.parametrize("target", ["../secret.txt", "/etc", "nowhere.png"])
def test_a_link_that_leaves_the_folder_is_refused_by_its_name(
    store: CountingStore, shots: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "secret.txt").write_text("not offered")
    (shots / "beach" / "sly.png").symlink_to(shots / target)
    with pytest.raises(SourceUnreadable, match=r"beach/sly\.png is a link to"):
        write_upload(store, shots)
    assert store.puts == 0


def test_what_is_neither_file_nor_folder_is_refused(store: CountingStore, shots: Path) -> None:
    os.mkfifo(shots / "pipe.png")
    with pytest.raises(SourceUnreadable, match=r"pipe\.png is neither a file nor a folder"):
        write_upload(store, shots)


@pytest.mark.parametrize("name", [b"not-text-\xff.png", b"back\\slash.png"])
def test_a_name_that_cannot_be_kept_is_refused(store: CountingStore, shots: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(shots) + b"/" + name)).write_bytes(b"x")
    with pytest.raises(SourceUnreadable, match="whose name cannot be kept"):
        write_upload(store, shots)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (lambda place: None, "does not exist"),
        (lambda place: place.write_text("file"), "is not a folder"),
        (lambda place: place.mkdir(), "no files"),
    ],
)
def test_a_folder_without_files_is_refused(store: CountingStore, tmp_path: Path, made, found: str) -> None:  # type: ignore[no-untyped-def]
    made(tmp_path / "place")
    with pytest.raises(SourceUnreadable, match=found) as told:
        write_upload(store, tmp_path / "place")
    assert "pictures" in told.value.hint


def test_a_listing_with_a_name_that_leaves_the_folder_is_refused(store: CountingStore) -> None:
    digest = blobs.put(store, b"x")
    for name in ("../out.png", "/etc/passwd", "a//b", "a\\..\\b", "", "a/./b"):
        listing = blobs.put_json(store, {"files": [{"name": name, "size": 1, "digest": digest}]})
        with pytest.raises(SourceUnreadable, match="leaves the folder"):
            open_source(store, f"upload://{listing}")


def test_a_listing_that_is_none_is_refused(store: CountingStore) -> None:
    for junk in (b"\xff", b"{}", b'{"files": [{"name": "a", "size": 1, "digest": "../../x"}]}'):
        with pytest.raises(SourceUnreadable, match="is not the listing of an upload"):
            open_source(store, f"upload://{blobs.put(store, junk)}")


def test_an_upload_that_was_lost_or_changed_says_what_to_do(store: CountingStore, shots: Path) -> None:
    with pytest.raises(SourceUnreadable, match="cannot be read") as told:
        open_source(store, "upload://" + "0" * 64)
    assert "brandfarm apply" in told.value.hint
    assert not told.value.retryable
    source = open_source(store, write_upload(store, shots))
    (store.root / keys.blob(digest_of(b"picture a"))).write_bytes(b"picture A")
    with pytest.raises(SourceUnreadable, match=r"a\.png cannot be read"):
        source.read("a.png")
    with pytest.raises(SourceUnreadable, match=r"holds no file 'z\.png'"):
        source.read("z.png")


def test_a_source_in_a_store_that_went_away_may_be_tried_again(store: CountingStore, shots: Path) -> None:
    source = open_source(store, write_upload(store, shots))
    store.root.rename(store.root.with_name("elsewhere"))
    with pytest.raises(SourceUnreadable) as told:
        source.read("a.png")
    assert told.value.retryable


def test_an_s3_source_needs_a_store_on_a_server(store: CountingStore) -> None:
    with pytest.raises(SourceUnreadable, match="keeps its store in a folder") as told:
        open_source(store, "s3://bucket/shots")
    assert "brandfarm up --store URL" in told.value.hint


@pytest.mark.parametrize("address", ["./shots", "file:///etc", "http://host/shots", ""])
def test_any_other_address_is_refused(store: CountingStore, address: str) -> None:
    with pytest.raises(SourceUnreadable, match="no source that a worker can read"):
        open_source(store, address)
