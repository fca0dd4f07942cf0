"""Every random choice of a training as a pure function of (seed, step), on the CPU. Knows no model and no device.

So a resumed training goes on exactly where it was, and neighbours in the bank cannot matter.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Choices:
    """What one project's batch at one step is made of, b samples.

    pictures: index of a picture, or of a prior picture where is_prior; is_blank: told the empty caption; timesteps [b];
    noise [b, C, h, w] is added, jitter [b, C, h, w] picks a point of the VAE's posterior. All on the CPU.
    """

    pictures: Tensor
    is_prior: Tensor
    is_blank: Tensor
    timesteps: Tensor
    noise: Tensor
    jitter: Tensor


@dataclass(frozen=True)
class Deck:
    """What there is to choose from: batch size, counts of pictures and prior pictures, shares of priors and of blank captions,
    timesteps of the noise schedule, shape of one latent."""

    batch: int
    pictures: int
    priors: int
    prior_share: float
    blank_share: float
    timesteps: int
    shape: tuple[int, ...]


def generator(seed: int, step: int, purpose: str) -> torch.Generator:
    """A CPU generator that belongs to one purpose at one step."""
    digest = hashlib.sha256(f"{seed}/{step}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def choices(seed: int, step: int, deck: Deck) -> Choices:
    """The batch of step `step`, counted from 0."""
    pictures, is_prior = _pictures(seed, step, deck)
    blank = torch.rand(deck.batch, generator=generator(seed, step, "blank")) < deck.blank_share
    return Choices(
        pictures=pictures,
        is_prior=is_prior,
        is_blank=blank,
        timesteps=timesteps(seed, step, deck.batch, deck.timesteps),
        noise=_normal(seed, step, "noise", deck),
        jitter=_normal(seed, step, "jitter", deck),
    )


def timesteps(seed: int, step: int, batch: int, total: int) -> Tensor:
    """One timestep from each of `batch` equal strata of [0, total), in random order, [batch] int64."""
    chance = generator(seed, step, "timesteps")
    strata = torch.randperm(batch, generator=chance)
    within = torch.rand(batch, generator=chance, dtype=torch.float64)
    return ((strata + within) / batch * total).long().clamp(max=total - 1)


def _pictures(seed: int, step: int, deck: Deck) -> tuple[Tensor, Tensor]:
    """Priors first, then pictures; each kind passes through all it has before any comes again."""
    priors_before, priors_after = _priors(step, deck), _priors(step + 1, deck)
    priors = priors_after - priors_before
    pictures_before = step * deck.batch - priors_before
    chosen = [_nth(seed, "prior order", priors_before + index, deck.priors) for index in range(priors)]
    chosen += [
        _nth(seed, "picture order", pictures_before + index, deck.pictures) for index in range(deck.batch - priors)
    ]
    return torch.tensor(chosen), torch.arange(deck.batch) < priors


def _priors(step: int, deck: Deck) -> int:
    """How many prior pictures all steps before this one had: the share, evenly spread over the steps."""
    return math.floor(step * deck.batch * deck.prior_share + 1e-9)


def _nth(seed: int, purpose: str, position: int, count: int) -> int:
    """Entry `position` of an endless row of shuffles of range(count)."""
    turn, place = divmod(position, count)
    return int(torch.randperm(count, generator=generator(seed, turn, purpose))[place])


def _normal(seed: int, step: int, purpose: str, deck: Deck) -> Tensor:
    return torch.randn(deck.batch, *deck.shape, generator=generator(seed, step, purpose))
