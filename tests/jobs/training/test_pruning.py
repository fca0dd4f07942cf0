"""Old checkpoints are dropped as a training goes on; the newest sound one never is, whoever prunes and with however old a list."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import blobs, keys
from jobs.ports import ObjectStore
from jobs.spec import TrainAsk
from jobs.training import checkpoint
from jobs.training.checkpoint import Checkpoint, Pointer
from jobs.training.rows import RowState
from tests.fakes.memory import MemoryStore
from tests.jobs.training.given import job

ASKED = job("a")


class StaleStore(MemoryStore):
    """A client of another store that was frozen after it had listed: it goes on with that list."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.kept = store.kept
        self.seen = pointers(store)

    def list(self, prefix: str) -> Iterator[str]:
        return iter(self.seen)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def state_at(step: int, variant: int = 0) -> Checkpoint:
    """A very small state after so many steps."""
    assert isinstance(ASKED.ask, TrainAsk)
    row = RowState(*({"weight": torch.full((2,), float(step + variant))} for _ in RowState._fields))
    return Checkpoint(ASKED.ask, step, row, [0.5] * step, [], [(0, 1, 1, 2, 2)], 1.0)


def written(store: ObjectStore, step: int, attempt: int = 1, variant: int = 0) -> str:
    return checkpoint.write(store, ASKED.id, attempt, state_at(step, variant))


def pointer(store: ObjectStore, key: str) -> Pointer:
    return Pointer.model_validate_json(store.get(key))


def pointers(store: ObjectStore) -> list[str]:
    return list(store.list(keys.checkpoints(ASKED.id)))


def newest_step(store: ObjectStore) -> int | None:
    found = checkpoint.newest(store, ASKED.id).checkpoint
    return found.step if found else None


def test_the_newest_two_stay_and_older_ones_go_with_their_states(store: MemoryStore) -> None:
    made = [written(store, step) for step in (2, 4, 6, 8)]
    states = [pointer(store, key).state for key in made]
    pruned = checkpoint.prune(store, ASKED.id)
    assert pruned == checkpoint.Pruned((made[3], made[2]), (made[1], made[0]))
    assert pointers(store) == made[2:]
    assert [blobs.exists(store, state) for state in states] == [False, False, True, True]


def test_one_that_is_broken_does_not_count_as_one_of_the_two(store: MemoryStore) -> None:
    made = [written(store, step) for step in (2, 4, 6, 8)]
    store.delete(keys.blob(pointer(store, made[3]).state))
    assert checkpoint.prune(store, ASKED.id).sound == (made[2], made[1])
    assert pointers(store) == made[1:]
    assert newest_step(store) == 6


def test_two_attempts_at_one_step_are_one_step(store: MemoryStore) -> None:
    made = [written(store, 2), written(store, 4), written(store, 6, attempt=1), written(store, 6, attempt=2)]
    checkpoint.prune(store, ASKED.id)
    assert pointers(store) == made[1:]


def test_a_state_that_a_kept_pointer_names_too_stays(store: MemoryStore) -> None:
    old, kept = written(store, 2), written(store, 4)
    shared = pointer(store, kept).model_copy(update={"step": 2, "attempt": 3})
    store.delete(old)
    store.create(keys.checkpoint(ASKED.id, 2, 3), shared.model_dump_json().encode())
    written(store, 6)
    assert len(checkpoint.prune(store, ASKED.id).dropped) == 1
    assert newest_step(store) == 6
    assert blobs.exists(store, shared.state)


def test_a_state_that_other_trainings_may_share_is_left_to_the_sweep(store: MemoryStore) -> None:
    old = written(store, 2)
    earlier_release = pointer(store, old).model_copy(update={"own": False})
    store.put(old, earlier_release.model_dump_json().encode())
    for step in (4, 6):
        written(store, step)
    checkpoint.prune(store, ASKED.id)
    assert not store.exists(old)
    assert blobs.exists(store, earlier_release.state)


def test_states_of_trainings_that_differ_only_in_what_is_asked_are_different_blobs(store: MemoryStore) -> None:
    longer = job("a", steps=99)
    assert isinstance(longer.ask, TrainAsk)
    here = written(store, 2)
    there = checkpoint.write(
        store, longer.id, 1, Checkpoint(longer.ask, 2, state_at(2).row, [0.5] * 2, [], [(0, 1, 1, 2, 2)], 1.0)
    )
    assert pointer(store, here).state != pointer(store, there).state


def test_an_attempt_that_was_frozen_while_it_pruned_does_no_harm(store: MemoryStore) -> None:
    for step in (2, 4, 6):
        written(store, step)
    frozen = StaleStore(store)
    for step in (8, 10):
        written(store, step, attempt=2)
        checkpoint.prune(store, ASKED.id)
    assert checkpoint.prune(frozen, ASKED.id).sound == ()
    assert newest_step(store) == 10
    assert [key.split("/")[2] for key in pointers(store)] == ["00000008", "00000010"]


DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 6), st.integers(1, 3)),
        st.tuples(st.just("lose"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("freeze"), st.just(0), st.just(0)),
        st.tuples(st.just("prune"), st.just(0), st.just(0)),
        st.tuples(st.just("thaw"), st.just(0), st.just(0)),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(DEEDS)
def test_no_pruning_ever_takes_the_newest_sound_checkpoint(deeds: list[tuple[str, int, int]]) -> None:
    store = MemoryStore()
    frozen = StaleStore(store)
    for deed, number, attempt in deeds:
        before = newest_step(store)
        if deed == "write":
            written(store, number, attempt, variant=attempt)
        elif deed == "lose" and number < len(pointers(store)):
            store.delete(keys.blob(pointer(store, pointers(store)[number]).state))
        elif deed == "freeze":
            frozen = StaleStore(store)
        elif deed in ("prune", "thaw"):
            checkpoint.prune(store if deed == "prune" else frozen, ASKED.id)
            assert newest_step(store) == before
