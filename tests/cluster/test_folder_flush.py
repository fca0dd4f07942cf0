"""A key outlives a power cut: its bytes are on the disk before it has its name, and its name before the writer is told so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore


@pytest.mark.parametrize(("deed", "naming"), [("put", "replace"), ("create", "link")])
def test_bytes_are_flushed_before_their_name_and_the_name_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deed: str, naming: str
) -> None:
    store, flushed, real_fsync, real_naming = FolderStore(tmp_path), [], os.fsync, getattr(os, naming)

    def fsync(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)
        real_fsync(handle)

    def name(source: Path, target: Path) -> None:
        assert source.stat().st_ino in flushed, "the bytes are named before they are on the disk"
        flushed.clear()
        real_naming(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, naming, name)
    getattr(store, deed)("record/train/a", b"x")
    assert flushed == [(tmp_path / "record" / "train").stat().st_ino]
