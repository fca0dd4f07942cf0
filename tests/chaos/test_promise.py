"""What the onlooker's part of the check finds: records taken twice, and declarations numbered twice."""

from __future__ import annotations

from pathlib import Path

from cluster.folder_store import FolderStore
from jobs import keys
from tests.chaos import promise


def test_a_record_that_the_server_took_twice_is_a_double_and_a_blob_is_none():
    taken = {"/farm/record/train/ab": 2, "/farm/cas/sha256/ab/abc": 2, "/farm/record/train/cd": 1}
    assert promise.doubles(taken) == ["/farm/record/train/ab was written 2 times"]


def test_one_declaration_is_one_version(tmp_path: Path):
    store = FolderStore(tmp_path / "store")
    for number in (1, 2):
        store.create(keys.version("twice", number), b"{}")
    store.create(keys.version("once", 1), b"{}")
    assert promise.numbered_otherwise(store, ["once", "twice", "never"]) == [
        "project twice has 2 versions",
        "project never has 0 versions",
    ]


def test_a_campaign_that_was_said_to_be_complete_and_has_no_record_is_lost(tmp_path: Path):
    store = FolderStore(tmp_path / "store")
    assert promise.lost(store, set(), ["gone"]) == ["campaign gone is complete and has no record"]
