"""Where an image starts: noise from its own seed, the same alone and in any batch, on the CPU and beside a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from jobs.bases.loading import Base

SEEDS = 2**64
"""torch takes 64 bits of a seed."""


def initial(seed: int, shape: tuple[int, int, int]) -> Tensor:
    """Unit normal noise [C, h, w] in float32 from one seed, of which 64 bits count."""
    generator = torch.Generator(device="cpu").manual_seed(seed % SEEDS)
    return torch.randn((1, *shape), generator=generator, dtype=torch.float32)[0]


def batch(base: Base, seeds: Sequence[int], width: int, height: int) -> Tensor:
    """Noise [N, C, h, w] on the base's device for images of a size in pixels, one seed each."""
    shape = (base.latent_channels, height // base.factor, width // base.factor)
    return torch.stack([initial(seed, shape) for seed in seeds]).to(base.device, base.dtype)
