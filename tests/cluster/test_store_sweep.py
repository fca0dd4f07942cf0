"""A sweep drops what nobody names, twice seen and old enough, and never what a record, a manifest or a live checkpoint names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import store_census, store_marks, store_owners, store_sweep
from cluster.store_sweep import DAY, Ages, Dropped, Verdict, Why
from jobs import blobs, keys, references
from jobs.errors import StoreError
from jobs.references import Kind
from tests import builders
from tests.cluster import stored_farm
from tests.fakes.memory import MemoryStore

Documents = Sequence[dict[str, Any]]


def silent(_done: int, _total: int) -> None:
    """Tells nobody."""


def looked(
    store: MemoryStore, documents: Documents = (), ages: Ages | None = None
) -> tuple[store_census.Census, Verdict]:
    """One look of a sweep: what may go, and the note of what was seen."""
    census = store_census.take(store, documents, silent)
    now = store_marks.store_time(store)
    verdict = store_sweep.judge(census, store_owners.plans_of(store), store_marks.read(store), now, ages or Ages())
    store_marks.write(store, verdict.seen, now)
    return census, verdict


def swept(store: MemoryStore, documents: Documents = (), ages: Ages | None = None) -> list[Dropped]:
    census, verdict = looked(store, documents, ages)
    return list(store_sweep.drop(store, census, verdict.ready, lambda: documents))


def ripened(store: MemoryStore, documents: Documents = (), days: float = 8) -> list[Dropped]:
    """Two sweeps, so many days after the last writing and from each other."""
    store.now += days * DAY
    swept(store, documents)
    store.now += days * DAY
    return swept(store, documents)


def gone(dropped: Sequence[Dropped]) -> set[str]:
    return {one.one.key for one in dropped if one.is_gone}


def kept_of_farm(store: MemoryStore) -> set[str]:
    return {key for key in store.kept if not key.startswith("sweep/")}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_farm_at_rest_loses_only_the_checkpoints_of_finished_trainings(store: MemoryStore) -> None:
    finished = stored_farm.brand(store, "socks")
    stored_farm.brand(store, "mugs", trained=False)
    stored_farm.campaign(store, "uid-spring", finished.adapter)
    before = kept_of_farm(store)
    pointer = keys.checkpoint(finished.asked, 50, 1)
    state = keys.blob(json.loads(store.get(pointer))["state"])
    dropped = ripened(store)
    assert gone(dropped) == {pointer, state}
    assert {one.one.why for one in dropped} == {Why.SUPERSEDED}
    assert kept_of_farm(store) == before - {pointer, state}


def test_nothing_goes_that_was_seen_once_or_is_young_or_was_written_again(store: MemoryStore) -> None:
    orphan = keys.blob(blobs.put(store, b"nobody's"))
    store.now += 30 * DAY
    assert swept(store) == []  # old, and seen for the first time
    store.now += 6 * DAY
    assert swept(store) == []  # seen twice, not yet a grace period apart
    store.put(orphan, b"nobody's")
    store.now += 2 * DAY
    assert swept(store) == []  # somebody needed it since
    store.now += 8 * DAY
    assert gone(swept(store)) == {orphan}


def test_what_was_somebodys_in_between_begins_anew(store: MemoryStore) -> None:
    digest = blobs.put(store, b"now and then")
    store.now += 8 * DAY
    swept(store)
    store.put("record/later/x", json.dumps({"names": digest}).encode())
    store.now += 8 * DAY
    swept(store)
    store.delete("record/later/x")
    store.now += 8 * DAY
    assert swept(store) == []


def test_without_grace_two_looks_are_enough_and_one_is_not(store: MemoryStore) -> None:
    orphan = keys.blob(blobs.put(store, b"nobody's"))
    assert swept(store, ages=Ages(grace=0)) == []
    assert gone(swept(store, ages=Ages(grace=0))) == {orphan}


def test_a_deleted_brand_goes_whole_and_its_neighbour_loses_nothing(store: MemoryStore) -> None:
    stored_farm.brand(store, "socks")
    neighbours = kept_of_farm(store)
    mugs = stored_farm.brand(store, "mugs")
    stored_farm.campaign(store, "uid-mugs-spring", mugs.adapter)
    stored_farm.deleted(store, "uid-mugs-spring", "Campaign")
    stored_farm.deleted(store, mugs.uid)
    ripened(store)
    left = kept_of_farm(store) - neighbours
    assert left == {keys.deleted(mugs.uid), keys.deleted("uid-mugs-spring"), keys.log(mugs.asked, 1, 0)}
    store.now += 30 * DAY
    assert keys.log(mugs.asked, 1, 0) in gone(swept(store))


def test_a_living_campaign_keeps_the_adapter_and_images_of_a_deleted_brand_and_not_its_photographs(
    store: MemoryStore,
) -> None:
    mugs = stored_farm.brand(store, "mugs")
    plan = stored_farm.campaign(store, "uid-spring", mugs.adapter)
    stored_farm.deleted(store, mugs.uid)
    ripened(store)
    assert blobs.exists(store, mugs.adapter)
    assert all(store.exists(keys.image(shot.recipe.hash)) for shot in plan.shots())
    assert not any(b"png mugs" in data for data, _ in store.kept.values())


def test_images_that_a_deleted_campaign_shares_with_a_living_one_stay(store: MemoryStore) -> None:
    socks = stored_farm.brand(store, "socks")
    living = stored_farm.campaign(store, "uid-living", socks.adapter, seeds=(2, 3))
    dead = stored_farm.campaign(store, "uid-dead", socks.adapter, seeds=(1, 2))
    stored_farm.deleted(store, "uid-dead", "Campaign")
    ripened(store)
    stands = {shot.seed: store.exists(keys.image(shot.recipe.hash)) for shot in (*dead.shots(), *living.shots())}
    assert stands == {1: False, 2: True, 3: True}


def test_pictures_that_two_brands_share_stay_while_one_lives(store: MemoryStore) -> None:
    living = stored_farm.brand(store, "socks", pictures=["shared", "ours"])
    dead = stored_farm.brand(store, "mugs", pictures=["shared", "theirs"])
    stored_farm.deleted(store, dead.uid)
    ripened(store)
    words = {data.decode() for data, _ in store.kept.values() if data.startswith(b"png ")}
    assert words == {"png shared", "png ours"}
    assert store.exists(keys.train(living.asked))


def test_what_a_base_models_record_or_a_manifest_names_stays(store: MemoryStore) -> None:
    file = blobs.put(store, b"weights")
    store.create(keys.base(stored_farm.BASE), json.dumps({"files": {"unet/model.safetensors": file}}).encode())
    mugs = stored_farm.brand(store, "mugs")
    stored_farm.deleted(store, mugs.uid)
    photograph = blobs.put(store, b"not yet taken in")
    listing = blobs.put_json(store, {"files": [{"name": "a.jpg", "size": 1, "digest": photograph}]})
    waiting = builders.kept(builders.project("new", dataset={"source": f"upload://{listing}"}), uid="uid-new")
    ripened(store, [waiting])
    assert [blobs.exists(store, one) for one in (file, listing, photograph)] == [True, True, True]
    ripened(store)
    assert [blobs.exists(store, one) for one in (file, listing, photograph)] == [True, False, False]


def test_a_brand_that_was_deleted_and_applied_again_with_the_same_pictures_keeps_them(store: MemoryStore) -> None:
    socks = stored_farm.brand(store, "socks")
    stored_farm.deleted(store, socks.uid)
    again = stored_farm.manifest(socks, "socks")
    again["metadata"]["uid"] = "uid-again"
    ripened(store, [again])
    assert any(data == b"png socks 0" for data, _ in store.kept.values())
    assert any(data == b"jpeg socks 0" for data, _ in store.kept.values())


def test_caches_logs_and_what_a_check_left_go_by_age_alone(store: MemoryStore) -> None:
    for key in ("cache/old", "attempt/a/0001/log/000000.jsonl", "attempt/b/0001/log/000000.jsonl", "doctor/x/race/0"):
        store.put(key, b"x")
    store.now += 31 * DAY
    store.put("cache/new", b"x")
    store.put("attempt/b/0001/log/000001.jsonl", b"x")
    dropped = swept(store)
    assert {one.one.key: one.one.why for one in dropped} == {
        "cache/old": Why.CACHE,
        "attempt/a/0001/log/000000.jsonl": Why.LOG,
        "doctor/x/race/0": Why.LEFT,
    }


def test_somebody_elses_objects_are_left_alone(store: MemoryStore) -> None:
    store.put("holiday/pictures.zip", b"x")
    store.put("epoch/0000000001", b"{}")
    assert ripened(store) == []


@pytest.mark.parametrize("spoil", ["record/train/x", "list"])
def test_while_something_that_names_cannot_be_read_nothing_is_swept(store: MemoryStore, spoil: str) -> None:
    stored_farm.brand(store, "socks")
    if spoil == "list":
        dataset = next(store.list("record/dataset/"))
        spoil = keys.blob(json.loads(store.get(dataset))["pictures"])
    store.put(spoil, b"no JSON")
    with pytest.raises(StoreError, match="what it names"):
        looked(store)


def test_a_sweep_that_is_broken_off_anywhere_is_finished_by_the_next(store: MemoryStore) -> None:
    stored_farm.brand(store, "socks")
    neighbours = kept_of_farm(store)
    mugs = stored_farm.brand(store, "mugs")
    stored_farm.deleted(store, mugs.uid)
    for _ in range(2):
        store.now += 8 * DAY
        census, verdict = looked(store)
    drops = store_sweep.drop(store, census, verdict.ready, lambda: ())
    for _ in range(len(verdict.ready) // 2):
        next(drops)
    drops.close()
    swept(store)
    ripened(store)
    assert kept_of_farm(store) - neighbours == {keys.deleted(mugs.uid)}


def test_what_is_named_or_written_while_a_sweep_goes_on_is_spared(store: MemoryStore) -> None:
    named, refreshed, orphan = (blobs.put(store, word) for word in (b"named", b"refreshed", b"orphan"))
    for _ in range(2):
        store.now += 8 * DAY
        census, verdict = looked(store)
    assert len(verdict.ready) == 3
    store.create("record/version/uid-new/000001", json.dumps({"names": named}).encode())
    assert blobs.put(store, b"refreshed", now=lambda: store.now) == refreshed
    dropped = list(store_sweep.drop(store, census, verdict.ready, lambda: ()))
    assert gone(dropped) == {keys.blob(orphan)}


def test_marks_are_whole_or_do_not_count_and_older_ones_go(store: MemoryStore) -> None:
    seen = {f"cas/sha256/{number:02x}": float(number) for number in range(5000)}
    store_marks.write(store, {"old": 1.0}, now=10.0)
    store_marks.write(store, seen, now=20.0)
    assert store_marks.read(store) == seen
    store.put("sweep/000000000030000/000000", b'{"half": 1.0}')
    assert store_marks.read(store) == seen
    store_marks.write(store, {}, now=40.0)
    assert store_marks.read(store) == {}
    assert [key for key in store.kept if key != store_marks.CLOCK] == ["sweep/000000000040000/whole"]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["brand", "campaign", "delete", "undelete", "orphan", "draw", "checkpoint", "sweep", "days"]),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(ACTS)
def test_no_story_of_a_farm_and_its_sweeps_loses_what_a_standing_record_names(acts: list[tuple[str, int]]) -> None:
    store = MemoryStore()
    brands: dict[int, stored_farm.Brand] = {}
    dead: set[str] = set()
    for act, number in acts:
        if act == "brand":
            brands[number] = stored_farm.brand(
                store, f"brand{number}", pictures=["shared", f"own {number}"], trained=number < 3
            )
        elif act == "campaign" and number in brands and brands[number].adapter:
            stored_farm.campaign(store, f"uid-campaign{number}", brands[number].adapter, seeds=(1, 2))
        elif act == "delete" and f"uid-brand{number}" not in dead:
            dead.add(f"uid-brand{number}")
            stored_farm.deleted(store, f"uid-brand{number}")
        elif act == "undelete":
            dead.add(f"uid-campaign{number}")
            stored_farm.deleted(store, f"uid-campaign{number}", "Campaign")
        elif act == "orphan":
            blobs.put(store, f"orphan {number}".encode())
        elif act == "draw" and number in brands and brands[number].adapter:
            stored_farm.campaign(store, "uid-living", brands[number].adapter, seeds=(number, number + 1))
        elif act == "checkpoint" and number in brands:
            stored_farm.checkpoint(store, brands[number].asked, 100)
        elif act == "days":
            store.now += 4 * DAY * number
        elif act == "sweep":
            whole = missing_of(store)
            swept(store)
            assert missing_of(store) <= whole
    ripened(store)
    for brand in brands.values():
        if brand.uid not in dead:
            assert store.exists(keys.version(brand.uid, 1))
    assert missing_of(store) == set()


def missing_of(store: MemoryStore) -> set[str]:
    """Blobs and records that a record or a list in the store names and that are not there; the base was never put there."""
    census = store_census.take(store, (), silent)
    return {
        one.key
        for key, named in census.names.items()
        for one in named
        if key in store.kept and one.kind not in (Kind.BASE, Kind.TRAINING, Kind.ANY) and not store.exists(one.key)
    }


def test_the_kinds_that_are_followed_are_those_that_are_lists() -> None:
    assert set(references.LISTS) == store_census.FOLLOWED
