"""Listings of sources: asked seldom, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import uploads
from cluster.folder_store import FolderStore
from jobs import keys
from jobs.errors import SourceUnreadable
from operators.listings import Listings
from tests.builders import digest
from tests.operators.world import HandClock


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def uploaded(store: FolderStore, folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return uploads.write_upload(store, folder)


def test_the_same_files_have_the_same_listing_and_others_another(store: FolderStore, tmp_path: Path) -> None:
    listings = Listings(store, HandClock())
    first = listings.digest(uploaded(store, tmp_path / "a", "one.png", "two.png"))
    assert listings.digest(uploaded(store, tmp_path / "b", "two.png", "one.png")) == first
    assert listings.digest(uploaded(store, tmp_path / "c", "one.png")) != first


def test_an_upload_never_changes_and_is_asked_once(store: FolderStore, tmp_path: Path) -> None:
    clock = HandClock()
    listings = Listings(store, clock)
    address = uploaded(store, tmp_path / "a", "one.png")
    first = listings.digest(address)
    store.delete(keys.blob(address.removeprefix(uploads.UPLOAD)))
    clock.seconds += 10_000
    assert listings.digest(address) == first


def test_what_was_never_uploaded_says_what_to_do(store: FolderStore) -> None:
    with pytest.raises(SourceUnreadable) as missing:
        Listings(store, HandClock()).digest(uploads.UPLOAD + digest("nothing"))
    assert (missing.value.retryable, "brandfarm apply" in missing.value.hint) == (False, True)
