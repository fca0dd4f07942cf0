"""A check of the store passes on a sound one, leaves nothing behind, and finds every lie."""

from __future__ import annotations

import pytest

from cluster import store_doctor
from cluster.store_doctor import Finding, Verdict
from jobs.errors import StoreUnsound
from tests.cluster import lying_stores as lying
from tests.contract.store import StoreContract
from tests.fakes.away import AwayStore
from tests.fakes.memory import MemoryStore

QUICK = [
    "one winner",
    "creating refuses",
    "read after write",
    "listing",
    "digests",
    "deleting",
    "clocks",
    "expiry",
    "free space",
]


class Standing:
    """A clock that stands at the store's time."""

    def monotonic(self) -> float:
        return 0.0

    def now(self) -> float:
        return 1_800_000_000.0


class Slow(Standing):
    """A clock on which everything takes a minute."""

    seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 60.0
        return self.seconds


def examined(store: MemoryStore, *, whole: bool = False, clock: Standing | None = None) -> dict[str, Finding]:
    found = store_doctor.examine(store, store, clock or Standing(), whole=whole)
    return {one.name: one for one in found}


def failures(found: dict[str, Finding]) -> set[str]:
    return {name for name, one in found.items() if one.verdict is Verdict.FAILED}


def test_a_sound_store_fails_nothing_and_nothing_is_left_in_it() -> None:
    store = MemoryStore()
    store.put("record/train/a", b"{}")
    found = examined(store, whole=True)
    assert failures(found) == set()
    assert list(found)[:9] == QUICK
    assert found["one winner"].found == "one winner each time of 8, and its bytes stand"
    assert {name for name, one in found.items() if one.verdict is Verdict.NOT_PROVEN} == {
        "free space",
        "foreign prefix",
    }
    assert list(store.kept) == ["record/train/a"]
    store_doctor.require_sound(list(found.values()))


LIES = {
    lying.LastWriteWins: {"one winner", "creating refuses"},
    lying.LooksThenWrites: {"one winner"},
    lying.RefusesButOverwrites: {"creating refuses"},
    lying.OverwritesPuts: {"creating refuses"},
    lying.NobodyWins: {"one winner", "creating refuses", "deleting"},
    lying.StaleReads: {"read after write", "digests"},
    lying.LateReads: {"read after write"},
    lying.TornReads: {"read after write", "digests"},
    lying.BlindReads: {"digests"},
    lying.StaleListing: {"listing"},
    lying.UnsortedListing: {"listing"},
    lying.WrongSizes: {"listing"},
    lying.ListsTheDeleted: {"listing"},
    lying.NeverDeletes: {"deleting"},
    lying.AnotherTime: {"clocks"},
    lying.LetsExpire: {"expiry"},
    lying.Full: {"free space"},
    lying.ReadOnly: {"one winner", "creating refuses", "read after write", "listing", "digests", "deleting", "clocks"},
}
WHOLE_LIES = {
    lying.OnePageListing: {"long listing"},
    lying.LosesParts: {"large object"},
    lying.ScopesNothing: {"foreign prefix"},
    lying.KeepsVersions: {"deletions"},
    lying.Locked: {"deletions"},
}


@pytest.mark.parametrize(("lie", "found"), LIES.items(), ids=[lie.__name__ for lie in LIES])
def test_the_quick_check_finds_a_store_that_lies(lie: type[MemoryStore], found: set[str]) -> None:
    if lie is lying.RefusesButOverwrites:
        found = found | {"one winner"}  # the winner's bytes do not stand either
    told = examined(lie())
    assert failures(told) == found
    assert all(told[name].next_step for name in found)
    with pytest.raises(StoreUnsound) as refused:
        store_doctor.require_sound(list(told.values()))
    assert all(name in refused.value.message for name in found)


@pytest.mark.parametrize(("lie", "found"), WHOLE_LIES.items(), ids=[lie.__name__ for lie in WHOLE_LIES])
def test_the_whole_check_finds_what_the_quick_one_cannot(lie: type[MemoryStore], found: set[str]) -> None:
    assert failures(examined(lie())) == set()
    assert failures(examined(lie(), whole=True)) == found


def test_a_slow_store_is_told_of_with_its_figures() -> None:
    found = examined(MemoryStore(), whole=True, clock=Slow())
    assert failures(found) == {"latency"}
    assert "write 60000.0 ms" in found["latency"].found


def test_a_store_that_is_away_is_asked_once_and_the_rest_is_not_proven() -> None:
    store = lying.GoneStore()
    found = examined(store, whole=True)
    assert failures(found) == {"one winner"}
    assert {one.verdict for name, one in found.items() if name != "one winner"} == {Verdict.NOT_PROVEN}
    assert found["one winner"].next_step == "Is it running?"


def test_an_address_without_an_answer_while_cleaning_up_is_no_second_error() -> None:
    away = AwayStore(MemoryStore())
    away.is_away = True
    found = store_doctor.examine(away, away, Standing(), whole=False)
    assert found[0].verdict is Verdict.FAILED


class TestMemoryStore(StoreContract):
    """The fake is held to what the real ones keep."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        import time

        return MemoryStore(now=time.time())

    @pytest.fixture
    def second(self, store: MemoryStore) -> MemoryStore:
        return store

    def tamper(self, store: MemoryStore, key: str, data: bytes) -> None:
        store.kept[key] = (data, store.now)

    def lost(self):  # type: ignore[no-untyped-def]
        from contextlib import nullcontext

        away = AwayStore(MemoryStore())
        away.is_away = True
        return nullcontext(away)
