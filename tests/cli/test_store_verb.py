"""`brandfarm store` as a person types it: the check names what fails, the count adds up, the sweep asks before it drops."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli import running
from cluster import store_sweep, stores
from cluster.farm_home import FarmHome
from cluster.folder_store import FolderStore
from jobs import blobs, keys
from jobs.errors import StoreUnsound
from tests.cli.terminal import Terminal
from tests.cluster import stored_farm
from tests.fakes.farm import FakeFarm


class Forgetful(FolderStore):
    """A folder on which every creation overwrites."""

    def create(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def terminal(store: FolderStore) -> Terminal:
    return Terminal(FakeFarm(store))


def test_a_sound_store_passes_and_the_check_says_what_it_tried(terminal: Terminal, store: FolderStore) -> None:
    told = terminal.type("store", "doctor", "--quick", "-o", "json")
    assert told.code == 0
    findings = {one["name"]: one for one in json.loads(told.out)}
    assert findings["one winner"]["attempted"] == "32 clients create the same key at once"
    assert {one["verdict"] for one in findings.values()} == {"passed"}
    assert "nothing failed" in told.err
    assert list(store.list("")) == []


def test_what_fails_is_named_with_the_next_step_and_the_exit_code_says_so(tmp_path: Path) -> None:
    shown = Terminal(FakeFarm(Forgetful(tmp_path / "store"))).type(
        "store", "doctor", "--quick", "-o", "table", columns=100
    )
    assert shown.code == 1
    assert "one winner" in shown.err
    assert "creating refuses" in shown.err
    assert re.search(r"\d+ of 32 were told that they had won", " ".join(shown.out.split()))
    assert "If-None-Match" in " ".join(shown.out.split())


def test_the_whole_check_of_a_folder_by_its_address(terminal: Terminal, store: FolderStore) -> None:
    told = terminal.type("store", "doctor", "--store", str(store.root), "-o", "tsv")
    assert told.code == 0
    rows = [line.split("\t") for line in told.out.splitlines()]
    assert [row[1] for row in rows if row[0] == "foreign prefix"] == ["not proven"]
    assert [row[1] for row in rows if row[0] == "large object"] == ["passed"]


def test_up_refuses_a_store_that_fails_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    home = FarmHome(tmp_path / "farm")
    monkeypatch.setattr(stores, "open_of_home", lambda place: Forgetful(place.store))
    monkeypatch.setattr(running, "_supervisor", lambda *_given: pytest.fail("nothing may start"))
    told = terminal.type("up", "--home", str(home.root))
    assert told.code == 1
    assert re.search(r"one winner: \d+ of 32 were told that they had won", told.err)
    assert "brandfarm store doctor" in told.err
    with pytest.raises(StoreUnsound):
        running.foreground(home, running.usual_shape())


def test_usage_counts_what_is_shared_once(terminal: Terminal, store: FolderStore) -> None:
    socks = stored_farm.brand(store, "socks", pictures=["shared", "a sock"])
    stored_farm.brand(store, "mugs", pictures=["shared", "a mug"])
    stored_farm.campaign(store, "uid-spring", socks.adapter)
    blobs.put(store, b"nobody's")
    terminal.farm.create(stored_farm.manifest(socks, "socks"))
    told = terminal.type("store", "usage", "-o", "json")
    assert told.code == 0
    found = json.loads(told.out)
    there = list(store.sizes(""))
    assert found["total"] == {"objects": len(there), "size": sum(one.size for one in there)}
    kinds = {one["kind"]: one for one in found["kinds"]}
    assert sum(one["size"] for one in kinds.values()) == found["total"]["size"]
    assert kinds["named by nothing"] == {"kind": "named by nothing", "objects": 1, "size": len(b"nobody's")}
    assert kinds["adapters"]["objects"] == 2
    assert kinds["images"]["objects"] == 7
    holders = {one["name"]: one for one in found["holders"]}
    assert set(holders) == {"brandproject/socks in default", "brandproject uid-mugs", "campaign uid-spring"}
    own = sum(one["own"]["size"] for one in holders.values())
    assert own + found["shared"]["size"] + found["unowned"]["size"] == found["total"]["size"]
    assert found["later"]["objects"] == 5  # nobody's, and the checkpoints of two finished trainings


def test_usage_for_people_names_brands_and_what_a_sweep_would_free(terminal: Terminal, store: FolderStore) -> None:
    stored_farm.brand(store, "socks")
    stored_farm.deleted(store, "uid-socks")
    shown = terminal.type("store", "usage", "-o", "table", columns=100)
    assert "brandproject/socks in default (deleted)" in shown.out
    assert "dataset pictures" in shown.out
    assert "must be seen to be nobody's twice, a grace period apart." in " ".join(shown.out.split())


def test_a_sweep_says_what_it_would_do_and_drops_only_with_yes(terminal: Terminal, store: FolderStore) -> None:
    orphan = keys.blob(blobs.put(store, b"nobody's"))
    first = terminal.type("store", "sweep", "--grace", "0d", "-o", "table")
    assert (first.code, store.exists(orphan)) == (0, True)
    assert "Nothing goes yet. 1 object (0.0 KB) must be seen once more" in " ".join(first.out.split())
    second = terminal.type("store", "sweep", "--grace", "0d", "--dry-run", "-o", "table")
    assert "1 object (0.0 KB) would go: `brandfarm store sweep --yes`." in " ".join(second.out.split())
    assert store.exists(orphan)
    third = terminal.type("store", "sweep", "--grace", "0d", "--yes", "-o", "json")
    assert [one["key"] for one in json.loads(third.out)["keys"]] == [orphan]
    assert not store.exists(orphan)
    last = terminal.type("store", "sweep", "--grace", "0d", "--yes", "-o", "table")
    assert "Dropped 0 objects" in last.out


def test_a_sweep_that_is_broken_off_says_what_is_dropped(
    terminal: Terminal, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.put(store, b"nobody's")

    def interrupted(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store_sweep, "drop", interrupted)
    told = terminal.type("store", "sweep", "--yes")
    assert told.code == 130
    assert "Broken off: 0 objects (0.0 KB) are dropped. The same command goes on." in told.err


def test_an_address_alone_is_not_swept_before_a_person_says_that_no_manifests_count(
    terminal: Terminal, store: FolderStore
) -> None:
    address = str(store.root)
    refused = terminal.type("store", "sweep", "--store", address, "--yes")
    assert refused.code == 2
    assert "--no-manifests" in refused.err
    assert terminal.type("store", "sweep", "--store", address).code == 0
    assert terminal.type("store", "sweep", "--store", address, "--yes", "--no-manifests").code == 0


@pytest.mark.parametrize("words", [("--grace", "soon"), ("--logs", "3 weeks"), ("--yes", "--dry-run")])
def test_what_cannot_be_meant_is_refused(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.type("store", "sweep", *words).code == 2


def test_a_home_without_a_farm_and_an_address_without_a_store_are_told_of(store: FolderStore, tmp_path: Path) -> None:
    nowhere = Terminal(FakeFarm(store, kept=False))
    told = nowhere.type("store", "usage")
    assert (told.code, told.out) == (1, "")
    assert "There is no farm" in told.err
    told = nowhere.type("store", "doctor", "--store", str(tmp_path / "nothing"))
    assert told.code == 1
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("verb", [(), ("doctor",), ("usage",), ("sweep",)])
def test_help_has_examples(terminal: Terminal, verb: tuple[str, ...]) -> None:
    told = terminal.type("store", *verb, "--help")
    assert "Examples:" in told.out
    assert f"brandfarm store {verb[0] if verb else 'doctor'}" in told.out
