"""Colour correction does what its formulas say, with colour-science as the oracle where it knows the word."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from jobs.finish_steps import Colour
from jobs.finishing import colour

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the oracle warns of plotting packages that nobody here needs
    import colour as oracle


def a_picture(seed: int = 1) -> torch.Tensor:
    return torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_luminance_weighs_as_rec_709_does() -> None:
    weights = oracle.RGB_COLOURSPACES["ITU-R BT.709"].matrix_RGB_to_XYZ[1]
    assert np.allclose(colour.LUMINANCE_WEIGHTS, weights, atol=5e-5)
    picture = a_picture()
    expected = np.tensordot(np.asarray(colour.LUMINANCE_WEIGHTS), picture.numpy(), axes=1)
    assert np.allclose(colour.luminance(picture).numpy(), expected, rtol=0, atol=1e-15)


def test_a_neutral_step_returns_the_very_picture() -> None:
    picture = a_picture()
    assert colour.apply(picture, Colour()) is picture


@pytest.mark.parametrize("gamma", [0.5, 1.8, 2.2])
def test_gamma_is_the_oracles_power_function(gamma: float) -> None:
    picture = a_picture()
    expected = oracle.gamma_function(picture.numpy(), 1 / gamma)
    assert np.allclose(colour.apply(picture, Colour(gamma=gamma)).numpy(), expected, rtol=0, atol=1e-14)


def test_gamma_above_one_brightens_the_middle_and_leaves_the_ends() -> None:
    ends_and_middle = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64).expand(3, 1, 3)
    dark, middle, bright = colour.apply(ends_and_middle, Colour(gamma=2.0))[0, 0].tolist()
    assert (dark, bright) == (0.0, 1.0)
    assert middle == pytest.approx(0.5**0.5)


def test_contrast_of_minus_a_hundred_is_flat_middle_grey() -> None:
    assert torch.equal(colour.apply(a_picture(), Colour(contrast=-100)), torch.full((3, 9, 7), 0.5).double())


def test_contrast_turns_about_the_pivot_and_clips() -> None:
    values = torch.tensor([0.1, 0.5, 0.6], dtype=torch.float64).expand(3, 1, 3)
    assert colour.apply(values, Colour(contrast=100))[1, 0].tolist() == pytest.approx([0.0, 0.5, 0.7])


def test_saturation_of_minus_a_hundred_is_grey_at_the_same_luminance() -> None:
    picture = a_picture()
    grey = colour.apply(picture, Colour(saturation=-100))
    assert torch.equal(grey[0], grey[1])
    assert torch.equal(grey[1], grey[2])
    assert torch.equal(grey[0], colour.luminance(picture))


def test_saturation_keeps_luminance_and_stretches_the_distance_to_grey() -> None:
    muted = 0.4 + 0.2 * a_picture()  # so that nothing is clipped
    stretched = colour.apply(muted, Colour(saturation=30))
    grey = colour.luminance(muted)
    assert torch.allclose(colour.luminance(stretched), grey, rtol=0, atol=1e-15)
    assert torch.allclose(stretched - grey, 1.3 * (muted - grey), rtol=0, atol=1e-15)


def test_contrast_comes_before_saturation_and_saturation_before_gamma() -> None:
    picture = a_picture()
    contrasted = 0.5 + 1.4 * (picture.numpy() - 0.5)
    grey = np.tensordot(np.asarray(colour.LUMINANCE_WEIGHTS), contrasted, axes=1)
    expected = np.clip(grey + 0.7 * (contrasted - grey), 0, 1) ** (1 / 1.5)
    finished = colour.apply(picture, Colour(contrast=40, saturation=-30, gamma=1.5))
    assert np.allclose(finished.numpy(), expected, rtol=0, atol=1e-14)
