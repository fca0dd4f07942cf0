"""Bases on a worker's disk: fetched once for all workers of a node, verified, whole or not there at all."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster.base_sources import FolderModels
from cluster.folder_store import FolderStore
from jobs import keys
from jobs.bases import adding, catalogue, on_disk
from jobs.bases.adding import Terms
from jobs.bases.on_disk import BasesOnDisk
from jobs.errors import BaseUnknown, Corrupt, NoRoomOnDisk, StoreUnavailable
from tests import models
from tests.builders import NOON, digest

UNET = "unet/diffusion_pytorch_model.safetensors"


class CountingStore(FolderStore):
    """Counts files that were given out; the cable to it breaks at the n-th."""

    breaks_at = 0

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.given = Counter[str]()

    def get_file(self, key: str, path: Path) -> None:
        self.given[key] += 1
        if self.given.total() == self.breaks_at:
            path.write_bytes(b"half a fi")
            raise StoreUnavailable("The cable was pulled.")
        super().get_file(key, path)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


@pytest.fixture
def ink(store: CountingStore, tmp_path: Path) -> str:
    """The digest of a base in the store."""
    source = FolderModels(models.write(tmp_path / "ink"))
    return adding.add(store, source, Terms("ink", "MIT", commercial=True), tmp_path / "staging", NOON).base.digest


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "bases"


def test_a_shipped_base_is_used_where_it_is(store: CountingStore, cache: Path) -> None:
    tiny = catalogue.by_name("tiny")
    assert BasesOnDisk(store, cache).entry(tiny.digest) == tiny
    assert not cache.exists()


def test_a_base_of_the_store_comes_to_the_disk_once(store: CountingStore, cache: Path, ink: str) -> None:
    entry = BasesOnDisk(store, cache).entry(ink)
    assert (entry.name, entry.family, entry.digest, entry.licence) == ("ink", "sd15", ink, "MIT")
    there = {
        path.relative_to(entry.folder).as_posix(): path.read_bytes()
        for path in entry.folder.rglob("*")
        if path.is_file()
    }
    assert there == {name: data for name, data in models.files().items() if name != "provenance.json"}
    assert catalogue._tree_digest(entry.folder) == ink
    BasesOnDisk(store, cache).entry(ink)
    assert set(store.given.values()) == {1}


def test_several_workers_of_a_node_fetch_it_once(store: CountingStore, cache: Path, ink: str) -> None:
    with ThreadPoolExecutor(8) as workers:
        entries = list(workers.map(lambda _: BasesOnDisk(store, cache).entry(ink), range(8)))
    assert len(set(entries)) == 1
    assert set(store.given.values()) == {1}


def test_a_fetch_that_broke_goes_on_and_is_never_taken_for_whole(store: CountingStore, cache: Path, ink: str) -> None:
    store.breaks_at = 5
    with pytest.raises(StoreUnavailable):
        BasesOnDisk(store, cache).entry(ink)
    assert not (cache / ink).exists()
    entry = BasesOnDisk(store, cache).entry(ink)
    assert catalogue._tree_digest(entry.folder) == ink
    assert Counter(store.given.values()) == Counter({1: len(store.given) - 1, 2: 1})


def test_what_was_taken_out_of_the_cache_comes_again(store: CountingStore, cache: Path, ink: str) -> None:
    folder = BasesOnDisk(store, cache).entry(ink).folder
    (folder / UNET).unlink()
    assert (BasesOnDisk(store, cache).entry(ink).folder / UNET).read_bytes() == models.files()[UNET]


def test_tampered_weights_never_reach_the_disk(store: CountingStore, cache: Path, ink: str) -> None:
    record = catalogue.Catalogue(store).files(ink)
    assert record is not None
    (store.root / keys.blob(record.files[UNET])).write_bytes(models.tensors(66))
    with pytest.raises(Corrupt):
        BasesOnDisk(store, cache).entry(ink)
    assert not (cache / ink).exists()


def test_a_full_disk_is_told_before_anything_is_fetched(
    store: CountingStore, cache: Path, ink: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=on_disk.SPARE_BYTES + 10))
    with pytest.raises(NoRoomOnDisk, match="256 MiB are free") as told:
        BasesOnDisk(store, cache).entry(ink)
    assert "BRANDFARM_BASES" in told.value.hint
    assert store.given.total() == 0


def test_weights_that_nobody_added_say_how_to_add_them(store: CountingStore, cache: Path) -> None:
    with pytest.raises(BaseUnknown) as told:
        BasesOnDisk(store, cache).entry(digest("never added"))
    assert "brandfarm base add" in told.value.hint
