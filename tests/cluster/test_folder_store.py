"""The folder store keeps the contract, and a crash or a full disk leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from cluster.folder_store import SCRATCH, STALE_SECONDS, FolderStore
from jobs.errors import StoreError, StoreUnavailable
from jobs.ports import ObjectStore
from tests.contract.store import StoreContract


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


class TestFolderStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderStore:
        return FolderStore(tmp_path / "store")

    @pytest.fixture
    def second(self, store: FolderStore) -> FolderStore:
        return FolderStore(store.root)

    def tamper(self, store: ObjectStore, key: str, data: bytes) -> None:
        assert isinstance(store, FolderStore)
        (store.root / key).write_bytes(data)

    @contextmanager
    def lost(self) -> Iterator[ObjectStore]:
        with tempfile.TemporaryDirectory() as folder:
            opened = FolderStore(Path(folder) / "store")
            opened.put("cache/a", b"x")
            opened.root.rename(Path(folder) / "elsewhere")
            yield opened


CRASH = """
import os, sys
from pathlib import Path
from cluster.folder_store import FolderStore
setattr(os, sys.argv[3], lambda *_: os._exit(9))
getattr(FolderStore(Path(sys.argv[1])), sys.argv[2])("record/train/a", b"half")
"""


@pytest.mark.parametrize(("deed", "last_step"), [("create", "link"), ("put", "replace"), ("put", "fsync")])
def test_a_writer_killed_before_the_last_step_leaves_nothing_to_be_seen(
    store: FolderStore, deed: str, last_step: str
) -> None:
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(store.root), deed, last_step], check=False)
    assert crashed.returncode == 9
    assert list(store.list("")) == []
    assert not store.exists("record/train/a")
    assert store.create("record/train/a", b"whole")
    assert store.get("record/train/a") == b"whole"


def test_what_a_killed_writer_left_is_swept_when_it_is_a_day_old(store: FolderStore) -> None:
    fresh, stale = store.root / SCRATCH / "fresh", store.root / SCRATCH / "stale"
    for left in (fresh, stale):
        left.write_bytes(b"half")
    old = stale.stat().st_mtime - STALE_SECONDS - 60
    os.utime(stale, (old, old))
    FolderStore(store.root)
    assert [fresh.exists(), stale.exists()] == [True, False]


def test_a_store_opens_while_others_write_into_it(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("cache/a", b"x")
    seen = Path.iterdir

    def with_one_that_has_its_key_by_now(folder: Path) -> Iterator[Path]:
        yield folder / "named-meanwhile"
        yield from seen(folder)

    monkeypatch.setattr(Path, "iterdir", with_one_that_has_its_key_by_now)
    assert FolderStore(store.root).get("cache/a") == b"x"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("deed", ["put", "create"])
def test_a_full_disk_is_told_of_and_leaves_nothing(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    def full(handle: int, _mode: str) -> BinaryIO:
        os.close(handle)
        return open("/dev/full", "wb", buffering=0)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", full)
        with pytest.raises(StoreUnavailable, match="No space left") as told:
            getattr(store, deed)("cache/a", b"x" * 100)
    assert "free space" in told.value.hint
    assert told.value.retryable
    assert list((store.root / SCRATCH).iterdir()) == []
    assert list(store.list("")) == []


@pytest.mark.parametrize(
    ("number", "error", "hint"),
    [
        (errno.EACCES, StoreUnavailable, "right to read and write"),
        (errno.EROFS, StoreUnavailable, "right to read and write"),
        (errno.EIO, StoreUnavailable, "Is the disk sound"),
        (errno.ENOTSUP, StoreError, "no hard links"),
    ],
)
def test_a_refusing_file_system_is_told_of_with_the_next_step(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StoreError], hint: str
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(StoreError, match="failed at creating cache/a") as told:
        store.create("cache/a", b"x")
    assert type(told.value) is error
    assert hint in told.value.hint
    assert list((store.root / SCRATCH).iterdir()) == []


def test_a_store_is_not_opened_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I was here first")
    with pytest.raises(StoreError, match="failed at opening"):
        FolderStore(tmp_path / "file")


def test_a_key_below_another_key_is_refused(store: FolderStore) -> None:
    store.put("cache/a", b"x")
    with pytest.raises(StoreError, match="failed at") as told:
        store.put("cache/a/b", b"y")
    assert "below another key" in told.value.hint


def test_what_a_file_browser_leaves_is_no_key(store: FolderStore) -> None:
    store.put("cache/a", b"x")
    (store.root / "cache" / ".DS_Store").write_bytes(b"browser")
    assert list(store.list("")) == ["cache/a"]
