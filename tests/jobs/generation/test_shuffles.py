"""Sixty-four shots keep their bits under twenty shuffles: other orders, chunks, neighbours and slots, and drawn alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from jobs.finishing import encode
from jobs.generation.batches import Pool, Waiting
from jobs.generation.renderer import Renderer
from jobs.identity import AskedId, digest_of
from jobs.ports import ObjectStore
from jobs.shots import AdapterUse, Recipe
from tests.jobs.generation.given import FINISH, PROMPTS, kept_adapter, recipe, store_in, tiny

SHOTS, SHUFFLES = 64, 20
SIZE, SLOTS = 4, 8
KINDS = ((8, "default"), (4, "default"), (20, "default"), (8, "conv"), (2, "default"), (8, "default"))
"""Rank and targets of the brands' adapters; the last two are the strangers'."""
OURS = 4

Bits = dict[str, str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    return store_in(tmp_path_factory.mktemp("brands"))


@pytest.fixture(scope="module")
def brands(store: ObjectStore) -> list[str]:
    return [kept_adapter(store, seed, rank, targets) for seed, (rank, targets) in enumerate(KINDS)]


@pytest.fixture(scope="module")
def shots(brands: list[str]) -> list[Recipe]:
    return [shot(number, brands[:OURS]) for number in range(SHOTS)]


@pytest.fixture(scope="module")
def in_order(store: ObjectStore, shots: list[Recipe]) -> Bits:
    renderer = Renderer(tiny(), store, SIZE, SLOTS)
    bits = drawn(renderer, Pool(SIZE, SLOTS), [shots])
    renderer.close()
    return bits


@pytest.fixture
def renderer(store: ObjectStore) -> Iterator[Renderer]:
    renderer = Renderer(tiny(), store, SIZE, SLOTS)
    yield renderer
    renderer.close()


def shot(number: int, digests: Sequence[str]) -> Recipe:
    """The base, brands one or two at a time, at strengths; guided and not, with and without negative and finish."""
    chance = random.Random(number)
    worn = chance.sample(list(digests), chance.choice((0, 1, 1, 1, 2)))
    return recipe(
        number,
        *(AdapterUse(digest=digest, strength=chance.uniform(0.2, 1.2)) for digest in sorted(worn)),
        prompt=PROMPTS[number % 3],
        negative=chance.choice(("", PROMPTS[2])),
        guidance=chance.choice((1.0, 1.0, 2.0, 7.5)),
        steps=1,
        finish=chance.choice(((), FINISH)),
    )


def drawn(renderer: Renderer, pool: Pool, chunks: Sequence[Sequence[Recipe]]) -> Bits:
    """The bits of every image, drawn in the batches that a generator would make of these chunks."""
    for number, chunk in enumerate(chunks):
        pool.add(Waiting(AskedId(f"{number}"), index, one) for index, one in enumerate(chunk))
    bits: Bits = {}
    while batch := [waiting.recipe for waiting in pool.next_batch()]:
        for one in batch:
            renderer.prepare(one, batch)
        for one, picture in zip(batch, renderer.draw(batch), strict=True):
            pixels = encode.to_bytes_rgb(renderer.finished(picture, [one])[0].pixels)
            bits[one.hash] = digest_of(pixels.tobytes())
    return bits


def cut(recipes: Sequence[Recipe], chance: random.Random) -> list[list[Recipe]]:
    """Chunks of 1 to 24 shots."""
    rest, chunks = list(recipes), []
    while rest:
        size = chance.randint(1, 24)
        chunks.append(rest[:size])
        rest = rest[size:]
    return chunks


def test_sixty_four_shots_are_sixty_four_pictures_in_mixed_batches(shots: list[Recipe], in_order: Bits) -> None:
    assert len(set(in_order.values())) == len(in_order) == SHOTS
    assert {len(one.adapters) for one in shots} == {0, 1, 2}
    assert {one.sampling.guidance > 1 for one in shots} == {True, False}


@pytest.mark.parametrize("seed", range(SHUFFLES))
def test_shuffled_among_strangers_every_shot_keeps_its_bits(
    store: ObjectStore, brands: list[str], shots: list[Recipe], in_order: Bits, seed: int
) -> None:
    chance = random.Random(seed)
    strangers = [shot(1000 + 100 * seed + number, brands[OURS:]) for number in range(chance.choice((0, 5, 16)))]
    slots = chance.randint(2, SLOTS)
    renderer = Renderer(tiny(), store, SIZE, slots)
    mixed = chance.sample([*shots, *strangers], len(shots) + len(strangers))
    bits = drawn(renderer, Pool(SIZE, slots), cut(mixed, chance))
    renderer.close()
    assert {one.hash: bits[one.hash] for one in shots} == in_order


def test_drawn_again_alone_every_shot_keeps_its_bits(renderer: Renderer, shots: list[Recipe], in_order: Bits) -> None:
    alone = {one.hash: digest_of(renderer.render(one).tobytes()) for one in shots}
    assert alone == in_order
