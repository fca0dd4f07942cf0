"""An image is its recipe's alone: the same bits by itself and in any company, computed again each time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from jobs import blobs
from jobs.errors import Corrupt, KeyNotFound, RecipeInvalid
from jobs.finishing import encode
from jobs.generation.images import Rgb
from jobs.generation.renderer import Renderer
from jobs.ports import ObjectStore
from jobs.shots import AdapterUse, Recipe
from tests.jobs.generation.given import FINISH, PROMPTS, adapter, kept_adapter, recipe, store_in, tiny

SIZE = 4
Make = Callable[[ObjectStore, int], Renderer]


@pytest.fixture
def make() -> Iterator[Make]:
    """Renderers on the tiny base, for batches of 4 and so many slots; each leaves the base as it was."""
    made: list[Renderer] = []

    def renderer(store: ObjectStore, slots: int) -> Renderer:
        made.append(Renderer(tiny(), store, SIZE, slots))
        return made[-1]

    yield renderer
    for each in made:
        each.close()


def company(digests: list[str], guidance: tuple[float, ...] = (2.0, 3.0, 5.0)) -> list[Recipe]:
    """Twelve shots of one bucket: the bare base and several adapters, mixed strengths, guidance, prompts, finishes."""
    shots = []
    for number in range(12):
        digest = ["", *digests][number % (len(digests) + 1)]
        uses = (AdapterUse(digest=digest, strength=0.5 + 0.1 * (number % 5)),) if digest else ()
        shots.append(
            recipe(
                number,
                *uses,
                prompt=PROMPTS[number % 3],
                negative="" if number % 2 else PROMPTS[2],
                guidance=guidance[number % len(guidance)],
                finish=FINISH if number % 2 else (),
                side=64,
            )
        )
    return shots


def drawn(renderer: Renderer, recipes: list[Recipe]) -> dict[str, Rgb]:
    images = {}
    for start in range(0, len(recipes), SIZE):
        batch = recipes[start : start + SIZE]
        for one in batch:
            renderer.prepare(one, batch)
        for one, picture in zip(batch, renderer.draw(batch), strict=True):
            images[one.hash] = encode.to_bytes_rgb(renderer.finished(picture, [one])[0].pixels)
    return images


def test_an_image_has_the_same_bits_alone_and_in_any_mixed_batch(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    digests = [kept_adapter(store, 1), kept_adapter(store, 2, rank=4), kept_adapter(store, 3, rank=20)]
    shots = company([*digests, kept_adapter(store, 4, targets="conv")])
    in_order = drawn(make(store, SIZE), shots)
    shuffled = random.Random(5).sample(shots, len(shots))
    assert all(np.array_equal(in_order[key], pixels) for key, pixels in drawn(make(store, SIZE), shuffled).items())
    for one in (shots[0], shots[3], shots[8]):  # the base, a rank above the smallest, an adapter with convolutions
        assert np.array_equal(make(store, 1).render(one), in_order[one.hash])
    assert len({pixels.tobytes() for pixels in in_order.values()}) == len(shots)


def test_images_without_guidance_have_the_same_bits_alone_and_together(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    shots = company([kept_adapter(store, 1)], guidance=(1.0,))[:SIZE]
    together = drawn(make(store, 2), shots)
    assert np.array_equal(make(store, 2).render(shots[1]), together[shots[1].hash])


def test_strength_zero_is_the_base_and_strength_is_seen(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    digest = kept_adapter(store, 1)
    renderer = make(store, 2)
    base, none, half, full = (
        renderer.render(recipe(1, *uses))
        for uses in [(), *((AdapterUse(digest=digest, strength=strength),) for strength in (0.0, 0.5, 1.0))]
    )
    assert np.array_equal(base, none)
    assert len({pixels.tobytes() for pixels in (base, half, full)}) == 3


def test_two_adapters_on_one_image_both_act_and_their_order_does_not(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    first, second = (AdapterUse(digest=kept_adapter(store, seed), strength=0.6) for seed in (1, 2))
    renderer = make(store, 2)
    both, swapped, one = (renderer.render(recipe(1, *uses)) for uses in [(first, second), (second, first), (first,)])
    assert np.abs(both.astype(int) - swapped.astype(int)).max() <= 1
    assert not np.array_equal(both, one)


def test_two_adapters_of_different_ranks_give_the_same_bits_whichever_was_worn_first(
    tmp_path: Path, make: Make
) -> None:
    store = store_in(tmp_path)
    uses = [AdapterUse(digest=kept_adapter(store, seed, rank=rank), strength=0.9) for seed, rank in ((1, 8), (2, 20))]
    small, large = (recipe(1, use) for use in uses)
    pixels = []
    for before in (small, large):
        renderer = make(store, 2)
        renderer.prepare(before)
        both = recipe(1, *uses, guidance=7.5)
        renderer.prepare(both)
        pixels.append(renderer.draw([both]))
        renderer.close()
    assert torch.equal(*pixels)


def test_more_adapters_than_slots_are_drawn_by_giving_up_the_longest_unworn(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    shots = [recipe(seed, AdapterUse(digest=kept_adapter(store, seed))) for seed in range(4)]
    few, many = make(store, 2), make(store, 4)
    for one in [*shots, shots[0]]:
        assert np.array_equal(few.render(one), many.render(one))


def test_the_unet_is_called_once_a_step_for_the_whole_mixed_batch(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    shots = company([kept_adapter(store, seed) for seed in (1, 2, 3)])[:SIZE]
    renderer = make(store, SIZE)
    for one in shots:
        renderer.prepare(one, shots)
    sizes: list[int] = []
    hook = tiny().unet.register_forward_pre_hook(lambda _module, inputs: sizes.append(len(inputs[0])))
    renderer.draw(shots)
    hook.remove()
    assert sizes == [2 * SIZE] * shots[0].sampling.steps


def test_what_cannot_be_drawn_is_refused_before_the_batch(tmp_path: Path, make: Make) -> None:
    store = store_in(tmp_path)
    renderer = make(store, 1)
    torn = AdapterUse(digest=blobs.put(store, b"not safetensors"))
    gone = AdapterUse(digest="0" * 64)
    huge = AdapterUse(digest=kept_adapter(store, 1, rank=129))
    with pytest.raises(Corrupt, match="no safetensors"):
        renderer.prepare(recipe(1, torn))
    with pytest.raises(KeyNotFound):
        renderer.prepare(recipe(1, gone))
    with pytest.raises(RecipeInvalid, match="rank 129"):
        renderer.prepare(recipe(1, huge))
    with pytest.raises(RecipeInvalid, match="2 adapters"):
        renderer.prepare(recipe(1, torn, gone))
    with pytest.raises(RecipeInvalid, match="60 x 60"):
        renderer.prepare(recipe(1, side=60))
    with pytest.raises(RecipeInvalid, match="no sampler"):
        renderer.prepare(recipe(1, sampler="magic"))


def test_an_adapter_that_diverged_never_reaches_its_neighbours(tmp_path: Path, make: Make) -> None:

    store = store_in(tmp_path)
    tensors = adapter(1)
    next(iter(tensors.values())).fill_(torch.nan)
    renderer = make(store, 1)
    with pytest.raises(Corrupt, match="not numbers"):
        renderer.prepare(recipe(1, AdapterUse(digest=blobs.put(store, save(tensors)))))
