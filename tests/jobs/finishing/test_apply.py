"""A picture's finish is its own: neither the batch, nor its order, nor its memory layout can matter."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import finishing
from jobs.finish_steps import Colour, FinishStep, Grain

BRAND = [
    FinishStep(colour=Colour(contrast=-20, saturation=-10)),
    FinishStep(grain=Grain(power=0.2, scale=1, saturation=1)),
]

colours = st.builds(Colour, contrast=st.floats(-100, 100), saturation=st.floats(-100, 100), gamma=st.floats(0.2, 5))
grains = st.builds(
    Grain,
    power=st.floats(0, 1),
    scale=st.floats(0.25, 16),
    saturation=st.floats(0, 1),
    shadows=st.floats(0, 1),
    highlights=st.floats(0, 1),
)
finish_steps = colours.map(lambda step: FinishStep(colour=step)) | grains.map(lambda step: FinishStep(grain=step))


def pictures(count: int, side: int = 13) -> torch.Tensor:
    return torch.rand(count, 3, side, side + 4, generator=torch.Generator().manual_seed(count))


def alone(image: torch.Tensor, steps: Sequence[FinishStep], seed: int) -> torch.Tensor:
    return finishing.apply(image[None].clone(), [steps], [seed])[0]


@settings(max_examples=40, deadline=None)
@given(
    shots=st.lists(st.tuples(st.lists(finish_steps, max_size=3), st.integers(0, 2**64 - 1)), min_size=1, max_size=5),
    order=st.randoms(use_true_random=False),
)
def test_an_image_is_bit_equal_alone_and_in_any_batch(
    shots: list[tuple[list[FinishStep], int]], order: random.Random
) -> None:
    images = pictures(len(shots))
    shuffled = list(range(len(shots)))
    order.shuffle(shuffled)
    together = finishing.apply(
        images[shuffled].contiguous(memory_format=torch.channels_last),
        [shots[index][0] for index in shuffled],
        [shots[index][1] for index in shuffled],
    )
    for index, finished in zip(shuffled, together, strict=True):
        assert torch.equal(finished, alone(images[index], *shots[index]))


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(finish_steps, max_size=3), seed=st.integers(0, 2**64 - 1))
def test_a_finished_image_stays_within_range(steps: list[FinishStep], seed: int) -> None:
    finished = alone(pictures(1)[0], steps, seed)
    assert bool(((finished >= 0) & (finished <= 1)).all())


def test_neutral_steps_change_no_bit() -> None:
    images = pictures(2)
    neutral = [FinishStep(colour=Colour()), FinishStep(grain=Grain(power=0))]
    assert torch.equal(finishing.apply(images, [neutral, []], [1, 2]), images)


def test_the_batch_that_came_in_is_left_as_it_was() -> None:
    images = pictures(2)
    before = images.clone()
    finishing.apply(images, [BRAND, BRAND], [1, 2])
    assert torch.equal(images, before)


def test_steps_are_taken_in_their_order() -> None:
    image = pictures(1)[0]
    assert not torch.equal(alone(image, BRAND, 1), alone(image, BRAND[::-1], 1))


def test_two_grain_steps_do_not_lay_the_same_grain_twice() -> None:
    grey = torch.full((3, 64, 64), 0.5)
    single = FinishStep(grain=Grain(power=0.2, saturation=0))
    once, twice = alone(grey, [single], 1) - grey, alone(grey, [single, single], 1) - grey
    assert float(twice.std() / once.std()) == pytest.approx(2**0.5, rel=0.05)


def test_a_colour_step_before_it_does_not_change_the_grain() -> None:
    grey = torch.full((3, 8, 8), 0.5)
    assert torch.equal(alone(grey, BRAND, 1), alone(grey, BRAND[1:], 1))


def test_half_precision_goes_in_and_single_comes_out() -> None:
    finished = finishing.apply(pictures(1).to(torch.bfloat16), [BRAND], [1])
    assert finished.dtype == torch.float32


def test_an_empty_batch_is_an_empty_batch() -> None:
    assert finishing.apply(pictures(1)[:0], [], []).shape == (0, 3, 13, 17)


def test_a_batch_with_too_few_seeds_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        finishing.apply(pictures(2), [BRAND, BRAND], [1])
