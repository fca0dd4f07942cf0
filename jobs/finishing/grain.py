"""Film grain on one image, from an integer hash of (seed, layer, channel, pixel): no generator, no state.

Knows nothing of batches or files. Everything up to the finished field is exact integer arithmetic, or single float64
operations in a fixed order, so that the CPU and a GPU make the same bits.
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch

from jobs.finish_steps import Grain
from jobs.finishing.colour import luminance

POWER_UNIT = 0.15
"""Standard deviation, as a share of the full range, that power 1 gives at mid-grey (docs/decisions/0003)."""

Words = TypeVar("Words", int, torch.Tensor)

_MASK = 0xFFFFFFFF
_FIELDS_PER_LAYER = 4  # one mono field and one for each of R, G, B

# The sum of the four bytes of a hash: mean 4 * 127.5, variance 4 * (256^2 - 1) / 12.
# Multiplied, never divided: torch divides by a number on the CPU and multiplies by its reciprocal on CUDA.
_BYTES_MEAN = 510
_PER_BYTES_DEVIATION = 1 / math.sqrt(21845)


def apply(image: torch.Tensor, step: Grain, seed: int, layer: int = 0) -> torch.Tensor:
    """Lay grain on a [3, H, W] float64 image in [0, 1] and clip it to [0, 1]; power 0 returns the image itself.

    x <- clip(x + power * unit * w(Y) * g, 0, 1), with w(Y) = 4 Y (1 - Y) + shadows (1 - Y)^2 + highlights Y^2.
    `layer` tells the grains of one image apart where it has several grain steps.
    """
    if step.power == 0:
        return image
    bright = luminance(image)
    dark = 1 - bright
    weight = 4 * bright * dark + step.shadows * dark * dark + step.highlights * bright * bright
    grains = coloured_field(step, seed, layer, image.shape[1], image.shape[2], image.device)
    return (image + step.power * POWER_UNIT * weight * grains).clamp(0.0, 1.0)


def coloured_field(step: Grain, seed: int, layer: int, height: int, width: int, device: torch.device) -> torch.Tensor:
    """The grain g of a step before its weight: [3, H, W] float64, zero mean, unit variance in every channel.

    g = sqrt(1 - t^2) n_m + t n_c, with t the grain's saturation, n_m one field for all channels, n_c one for each.
    """
    first = layer * _FIELDS_PER_LAYER
    mono, *own = (
        _sized_field(seed, first + number, height, width, step.scale, device) for number in range(_FIELDS_PER_LAYER)
    )
    shared = math.sqrt(1 - step.saturation**2) * mono
    return shared + step.saturation * torch.stack(own)


def white_field(seed: int, number: int, height: int, width: int, device: torch.device) -> torch.Tensor:
    """One nearly normal value for each pixel, independent of all others: [H, W] float64, mean 0, variance 1.

    `seed` is any integer, of which 64 bits count; `number` names one of the seed's many fields.
    """
    first_key, second_key = _keys(seed, number)
    pixels = torch.arange(height * width, dtype=torch.int64, device=device)
    hashed = _mix(_mix((pixels + first_key) & _MASK) ^ second_key)
    bytes_sum = sum(((hashed >> shift) & 0xFF for shift in (8, 16, 24)), hashed & 0xFF)
    return ((bytes_sum - _BYTES_MEAN).to(torch.float64) * _PER_BYTES_DEVIATION).reshape(height, width)


def _keys(seed: int, number: int) -> tuple[int, int]:
    low, high = seed & _MASK, (seed >> 32) & _MASK
    first = _mix(_mix(_mix(low) ^ high) ^ number)
    second = _mix(_mix(_mix(first ^ low) ^ high) ^ number)
    return first, second


def _mix(words: Words) -> Words:
    """A bijection of 32-bit words that scatters every bit, for ints and int64 tensors alike.

    The constants, from the public search "hash-prospector", are below 2^31, so no product leaves int64.
    """
    words = words ^ (words >> 16)
    words = (words * 0x21F0AAAD) & _MASK
    words = words ^ (words >> 15)
    words = (words * 0x735A2D97) & _MASK
    return words ^ (words >> 15)


def _sized_field(seed: int, number: int, height: int, width: int, scale: float, device: torch.device) -> torch.Tensor:
    """A field whose grains are `scale` pixels wide: drawn smaller, then enlarged by a bicubic of unit variance.

    At unit variance a grain smaller than a pixel looks like one of a pixel, so below 1 nothing larger is drawn.
    """
    if scale <= 1:
        return white_field(seed, number, height, width, device)
    rows, row_weights, lattice_height = _cubic_taps(height, scale)
    columns, column_weights, lattice_width = _cubic_taps(width, scale)
    lattice = white_field(seed, number, lattice_height, lattice_width, device)
    enlarged = _resample(lattice, rows.to(device), row_weights.to(device))
    return _resample(enlarged.T, columns.to(device), column_weights.to(device)).T


def _resample(lattice: torch.Tensor, taps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum the four weighted rows of each output row, always in the same order: [h, w] -> [H, w]."""
    total = lattice[taps[0]] * weights[0, :, None]
    for tap, weight in zip(taps[1:], weights[1:], strict=True):
        total = total + lattice[tap] * weight[:, None]
    return total


def _cubic_taps(length: int, scale: float) -> tuple[torch.Tensor, torch.Tensor, int]:
    """For each output pixel its four places in the lattice and their weights, both [4, length]; the lattice's length.

    Weights are Catmull-Rom's, scaled to a unit sum of squares: the lattice is white, so the variance is one at
    every pixel, and no standard deviation need be measured. The lattice reaches past the edges: nothing is clamped.
    """
    centres = (torch.arange(length, dtype=torch.float64) + 0.5) / scale - 0.5
    below = centres.floor()
    past = centres - below  # in [0, 1)
    distances = torch.stack([past + 1, past, 1 - past, 2 - past])
    near = (1.5 * distances - 2.5) * distances * distances + 1
    far = ((-0.5 * distances + 2.5) * distances - 4) * distances + 2
    weights = torch.where(distances <= 1, near, far)
    weights = weights / (weights * weights).sum(dim=0).sqrt()
    taps = below.to(torch.int64) + torch.arange(-1, 3)[:, None]
    taps = taps - taps.min()
    return taps, weights, int(taps.max()) + 1
