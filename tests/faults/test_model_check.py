"""The model check finds nothing where the promise was kept, and each kind of damage where it was not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys
from tests.faults import sound as given
from tests.faults.model_check import violations
from tests.faults.sound import Sound

Damage = Callable[[Sound], object]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """Made once; each test damages a copy."""
    return given.put(FolderStore(tmp_path_factory.mktemp("pattern")))


@pytest.fixture
def sound(pattern: Sound, tmp_path: Path) -> Sound:
    assert isinstance(pattern.store, FolderStore)
    shutil.copytree(pattern.store.root, tmp_path / "store")
    return replace(pattern, store=FolderStore(tmp_path / "store"))


def shot_key(sound: Sound, index: int = 0, *, raw: bool = False) -> str:
    recipe = sound.plan.shot(index).recipe
    return keys.image((recipe.raw() if raw else recipe).hash)


def blob_of(sound: Sound, key: str, field: str) -> str:
    """Where the blob stands that a record names."""
    return keys.blob(sound.record(key)[field])


def spoil(sound: Sound, key: str, data: bytes = b"half") -> None:
    sound.store.put(key, data)


def halve(sound: Sound, key: str) -> None:
    sound.store.put(key, sound.store.get(key)[:20])


def test_a_store_that_keeps_the_promise_has_no_violation(sound: Sound) -> None:
    assert violations(sound.store, sound.wanted, sound.done) == []
    assert violations(sound.store, sound.wanted, sound.done, opened=False) == []


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a training without its record": (lambda s: s.store.delete(s.training.record_key), "0 records instead of one"),
    "an intake without its record": (lambda s: s.store.delete(s.intake.record_key), "0 records instead of one"),
    "a chunk without its record": (lambda s: s.store.delete(s.chunk.record_key), "0 records instead of one"),
    "two records of one asked thing": (
        lambda s: spoil(s, s.training.record_key + "-2", s.store.get(s.training.record_key)),
        "2 records instead of one",
    ),
    "half a record": (lambda s: halve(s, s.training.record_key), "is no record"),
    "a record that lacks a field": (lambda s: spoil(s, s.chunk.record_key, b'{"id": "x"}'), "is no record"),
    "half an epoch": (lambda s: spoil(s, keys.epoch(1), b'{"claim'), "is no record"),
    "a record under another's key": (
        lambda s: spoil(s, keys.train(s.unfinished.id), s.store.get(s.training.record_key)),
        "belongs under",
    ),
    "a record of another plan": (lambda s: s.change(s.chunk.record_key, start=1, drawn=1), "does not answer"),
    "an adapter that is gone": (
        lambda s: s.store.delete(blob_of(s, s.training.record_key, "adapter")),
        "which is not there",
    ),
    "an adapter with other bytes": (
        lambda s: spoil(s, blob_of(s, s.training.record_key, "adapter")),
        "not what its digest",
    ),
    "an adapter that is no adapter": (
        lambda s: s.change(s.training.record_key, adapter=blobs.put(s.store, b"text")),
        "as its adapter",
    ),
    "an adapter that is not a number": (
        lambda s: s.change(s.training.record_key, adapter=blobs.put(s.store, given.tensors(A=[float("nan")]))),
        "not numbers",
    ),
    "a curve with a step done twice": (
        lambda s: s.change(s.training.record_key, losses=blobs.put_json(s.store, [[1, 0.5]] * given.STEPS)),
        "losses of",
    ),
    "a sample listed twice": (
        lambda s: s.change(
            s.training.record_key,
            samples=blobs.put_json(
                s.store, blobs.get_json(s.store, s.record(s.training.record_key)["samples"])[:1] * 2
            ),
        ),
        "names a sample twice",
    ),
    "a sample whose picture is gone": (
        lambda s: s.store.delete(
            keys.blob(blobs.get_json(s.store, s.record(s.training.record_key)["samples"])[0]["image"])
        ),
        "which is not there",
    ),
    "a dataset without its record": (
        lambda s: s.store.delete(keys.dataset(s.record(s.intake.record_key)["dataset"])),
        "which has no record",
    ),
    "a dataset that counts otherwise": (
        lambda s: s.change(keys.dataset(s.record(s.intake.record_key)["dataset"]), count=7),
        "its dataset 7",
    ),
    "a dataset of other pictures": (
        lambda s: s.change(
            keys.dataset(s.record(s.intake.record_key)["dataset"]), pictures=blobs.put_json(s.store, [])
        ),
        "not the 8 of its id",
    ),
    "files set aside that were not counted": (
        lambda s: s.change(s.intake.record_key, set_aside_count=3),
        "counts 3 files set aside",
    ),
    "an image without its record": (lambda s: s.store.delete(shot_key(s)), "the image of its shot 0"),
    "a raw image without its record": (lambda s: s.store.delete(shot_key(s, raw=True)), "the raw image of its shot 0"),
    "an image whose picture is gone": (
        lambda s: s.store.delete(blob_of(s, shot_key(s), "digest")),
        "which is not there",
    ),
    "an image of another recipe": (
        lambda s: s.change(shot_key(s), digest=s.record(shot_key(s, 1))["digest"]),
        "made by another recipe",
    ),
    "an image of another size": (lambda s: s.change(shot_key(s), size=1), "says 1 bytes"),
    "a chunk that counts a shot twice": (lambda s: s.change(s.chunk.record_key, drawn=3), "accounts for 3 drawn"),
    "a chunk whose failure nobody lists": (lambda s: s.change(s.chunk.record_key, failures=[]), "of its shot 2"),
    "a chunk that lists a failure of another": (
        lambda s: s.change(s.chunk.record_key, failures=[{"index": 9, "reason": "x", "message": ""}]),
        "not each one of its own shots",
    ),
    "a plan that is gone": (lambda s: s.store.delete(keys.blob(s.chunk.ask.plan)), "which is not there"),  # type: ignore[union-attr]
    "half a checkpoint's pointer": (lambda s: halve(s, keys.checkpoint(s.unfinished.id, 2, 1)), "is no checkpoint"),
    "a checkpoint whose state is gone": (
        lambda s: s.store.delete(blob_of(s, keys.checkpoint(s.unfinished.id, 2, 1), "state")),
        "which is not there",
    ),
    "a checkpoint of another step": (
        lambda s: s.change(keys.checkpoint(s.unfinished.id, 2, 1), step=1),
        "belongs elsewhere",
    ),
    "a checkpoint with too few losses": (
        lambda s: s.change(
            keys.checkpoint(s.unfinished.id, 2, 1), state=blobs.put(s.store, given.tensors(losses=[1.0]))
        ),
        "it has 1 losses",
    ),
    "a blob that nobody names": (lambda s: spoil(s, keys.blob("ab" * 32)), "not what its digest"),
    "a log torn in a line": (lambda s: spoil(s, keys.log(s.training.id, 1, 1), b'{"event": "be'), "no JSON"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_said(sound: Sound, name: str) -> None:
    damage, expected = DAMAGES[name]
    damage(sound)
    found = violations(sound.store, sound.wanted, sound.done)
    assert any(expected in sentence for sentence in found), found


def test_what_was_reported_done_must_be_there_even_if_nobody_wants_it_any_more(sound: Sound) -> None:
    gone, there = sound.unfinished.id, sound.training.id
    assert violations(sound.store, [], {there}) == []
    (found,) = violations(sound.store, [], {gone, there})
    assert found == f"The job {gone[:12]}... was reported done and has no record."


def test_a_lost_record_of_what_was_reported_done_is_said_as_that(sound: Sound) -> None:
    sound.store.delete(sound.training.record_key)
    reported = violations(sound.store, sound.wanted, sound.done)
    silent = violations(sound.store, sound.wanted, set())
    assert ["though it was reported done" in sentence for sentence in (*reported, *silent)] == [True, False]


def test_a_broken_checkpoint_is_no_matter_once_a_later_one_or_the_record_stands(sound: Sound) -> None:
    sound.store.delete(blob_of(sound, keys.checkpoint(sound.unfinished.id, 1, 1), "state"))
    old = given.checkpoint(sound, sound.training, 1)
    sound.store.delete(blob_of(sound, old, "state"))
    assert violations(sound.store, sound.wanted, sound.done) == []


def test_of_blobs_that_are_not_real_only_their_digests_are_looked_at(sound: Sound) -> None:
    sound.change(sound.training.record_key, adapter=blobs.put(sound.store, b"the adapter of a fake"))
    assert violations(sound.store, sound.wanted, sound.done, opened=False) == []
    sound.store.delete(blob_of(sound, sound.training.record_key, "adapter"))
    assert len(violations(sound.store, sound.wanted, sound.done, opened=False)) == 1
