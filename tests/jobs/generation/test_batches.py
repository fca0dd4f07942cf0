"""Batches are pure: every shot once, one bucket a batch, full while shots wait, chunks in turn and in frozen order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.generation.batches import Pool, Waiting, bucket_of, padded
from jobs.identity import AskedId
from jobs.shots import AdapterUse, Recipe, Sampling


def recipe(seed: int, side: int = 64, adapter: str = "", steps: int = 4, guidance: float = 3.0) -> Recipe:
    uses = (AdapterUse(digest=adapter, strength=1 / (seed + 1)),) if adapter else ()
    sampling = Sampling(steps=steps, guidance=guidance)
    return Recipe(base="b", adapters=uses, prompt="p", seed=seed, width=side, height=64, sampling=sampling)


def waiting(chunk: str, index: int, **how: object) -> Waiting:
    return Waiting(AskedId(chunk), index, recipe(index, **how))  # type: ignore[arg-type]


def drained(pool: Pool) -> list[list[Waiting]]:
    batches = []
    while batch := pool.next_batch():
        batches.append(batch)
    return batches


shots = st.builds(
    recipe,
    seed=st.integers(0, 9),
    side=st.sampled_from([64, 96]),
    adapter=st.sampled_from(["", "a", "b", "c"]),
    steps=st.sampled_from([4, 8]),
    guidance=st.sampled_from([1.0, 3.0]),
)
chunks = st.lists(st.lists(shots, max_size=12), min_size=1, max_size=4)


def filled(pool: Pool, of: list[list[Recipe]]) -> list[Waiting]:
    everything = [Waiting(AskedId(f"chunk{c}"), i, r) for c, rs in enumerate(of) for i, r in enumerate(rs)]
    pool.add(everything)
    return everything


@settings(max_examples=60, deadline=None)
@given(chunks, st.integers(1, 8), st.integers(1, 4))
def test_every_shot_is_drawn_once_whatever_waits(of: list[list[Recipe]], size: int, slots: int) -> None:
    pool = Pool(size, slots)
    everything = filled(pool, of)
    drawn = [shot for batch in drained(pool) for shot in batch]
    assert sorted(drawn, key=lambda s: (s.chunk, s.index)) == everything
    assert len(pool) == 0


@settings(max_examples=60, deadline=None)
@given(chunks, st.integers(1, 8), st.integers(1, 4))
def test_a_batch_is_of_one_bucket_and_within_its_limits(of: list[list[Recipe]], size: int, slots: int) -> None:
    pool = Pool(size, slots)
    filled(pool, of)
    for batch in drained(pool):
        assert 1 <= len(batch) <= size
        assert len({shot.bucket for shot in batch}) == 1
        assert len({use.digest for shot in batch for use in shot.recipe.adapters}) <= slots
        assert len(padded([shot.recipe for shot in batch], size)) == size


@settings(max_examples=60, deadline=None)
@given(chunks, st.integers(1, 8))
def test_a_batch_is_full_while_shots_of_its_bucket_wait(of: list[list[Recipe]], size: int) -> None:
    pool = Pool(size, slots=4)
    left = filled(pool, of)
    while batch := pool.next_batch():
        left = [shot for shot in left if shot not in batch]
        same = [shot for shot in left if shot.bucket == batch[0].bucket]
        assert len(batch) == size or not same


@settings(max_examples=60, deadline=None)
@given(chunks, st.integers(1, 8), st.integers(1, 4))
def test_a_chunk_keeps_its_frozen_order_within_a_bucket(of: list[list[Recipe]], size: int, slots: int) -> None:
    pool = Pool(size, slots)
    filled(pool, of)
    seen: dict[tuple[str, object], int] = {}
    for shot in (shot for batch in drained(pool) for shot in batch):
        assert seen.get((shot.chunk, shot.bucket), -1) < shot.index
        seen[shot.chunk, shot.bucket] = shot.index


def test_chunks_of_different_projects_share_every_batch() -> None:
    pool = Pool(batch_size=4, slots=4)
    pool.add(waiting("first", index) for index in range(6))
    pool.add(waiting("second", index, adapter="a") for index in range(2))
    batches = [[(shot.chunk, shot.index) for shot in batch] for batch in drained(pool)]
    assert batches == [
        [("first", 0), ("second", 0), ("first", 1), ("second", 1)],
        [("first", 2), ("first", 3), ("first", 4), ("first", 5)],
    ]


def test_chunks_of_different_sizes_take_turns() -> None:
    pool = Pool(batch_size=2, slots=1)
    pool.add(waiting("small", index) for index in range(4))
    pool.add(waiting("large", index, side=96) for index in range(4))
    assert [batch[0].chunk for batch in drained(pool)] == ["small", "large", "small", "large"]


def test_a_chunk_whose_adapter_finds_no_slot_waits_for_another_batch() -> None:
    pool = Pool(batch_size=4, slots=1)
    pool.add([waiting("first", 0, adapter="a"), waiting("first", 1, adapter="a")])
    pool.add([waiting("second", 0, adapter="b")])
    assert [[shot.chunk for shot in batch] for batch in drained(pool)] == [["first", "first"], ["second"]]


def test_strengths_of_one_adapter_share_a_slot() -> None:
    pool = Pool(batch_size=4, slots=1)
    pool.add(waiting("first", index, adapter="a") for index in range(3))
    assert [len(batch) for batch in drained(pool)] == [3]


def test_an_undone_batch_goes_back_to_its_place() -> None:
    pool = Pool(batch_size=3, slots=4)
    pool.add(waiting("first", index) for index in range(5))
    pool.put_back(pool.next_batch())
    assert [[shot.index for shot in batch] for batch in drained(pool)] == [[0, 1, 2], [3, 4]]


def test_a_dropped_chunk_leaves_nothing_behind() -> None:
    pool = Pool(batch_size=3, slots=4)
    pool.add([waiting("first", 0), waiting("second", 0)])
    pool.drop(AskedId("first"))
    assert [[shot.chunk for shot in batch] for batch in drained(pool)] == [["second"]]


def test_guidance_shares_a_batch_unless_it_is_none() -> None:
    assert bucket_of(recipe(1, guidance=3.0)) == bucket_of(recipe(2, guidance=7.5))
    assert bucket_of(recipe(1, guidance=3.0)) != bucket_of(recipe(1, guidance=1.0))


def test_padding_repeats_the_last_shot() -> None:
    first, last = recipe(1), recipe(2)
    assert padded([first, last], 4) == [first, last, last, last]
