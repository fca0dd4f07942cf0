"""Pictures at listed prompts and seeds, of a base or of an adapter still in training, straight from its row in the bank.

Keeps and records nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from jobs.adapters.bank import Bank
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.generation import noise, schedulers
from jobs.generation.denoise import Batch, Wearing, denoise
from jobs.shots import Sampling


@dataclass(frozen=True)
class Wanted:
    """N pictures: a prompt and a seed each, the rest in common; sizes in pixels.

    They are drawn in batches padded to `batch_size`, so that a picture does not depend on the others.
    """

    prompts: Sequence[str]
    seeds: Sequence[int]
    sampling: Sampling
    width: int
    height: int
    negative: str = ""
    batch_size: int = 8

    def __post_init__(self) -> None:
        assert len(self.prompts) == len(self.seeds) > 0, f"{len(self.prompts)} prompts, {len(self.seeds)} seeds"


@dataclass(frozen=True)
class OneRow:
    """All images of a batch wear the same row of a bank."""

    bank: Bank
    slot: int
    batch_size: int

    @contextmanager
    def acting(self, each: int) -> Iterator[None]:
        """Within, every UNet call applies the row."""
        with self.bank.rows(torch.full((self.batch_size,), self.slot), each=each):
            yield


@torch.no_grad()
def draw(base: Base, wanted: Wanted, bank: Bank | None = None, slot: int = 0) -> Tensor:
    """Pictures [N, 3, H, W] in [0, 1], all with one row of a bank, or of the base alone. Raises RecipeInvalid."""
    wearing = OneRow(bank, slot, wanted.batch_size) if bank is not None else None
    pictures = [conditioning.decode_latents(base, latents) for latents in _batches(base, wanted, wearing)]
    return torch.cat(pictures)[: len(wanted.prompts)]


@torch.no_grad()
def draw_latents(base: Base, wanted: Wanted) -> Tensor:
    """The base's own pictures before the VAE: latents [N, C, h, w] in the scale that the UNet knows."""
    return torch.cat(list(_batches(base, wanted, None)))[: len(wanted.prompts)]


def _batches(base: Base, wanted: Wanted, wearing: Wearing | None) -> Iterator[Tensor]:
    """Latents [batch_size, C, h, w], batch by batch; the last one padded with its last picture."""
    schedulers.check(base.scheduler_config, wanted.sampling)
    texts = list(dict.fromkeys([wanted.negative, *wanted.prompts]))
    told = dict(zip(texts, conditioning.encode_texts(base, texts), strict=True))
    negative = conditioning.as_negative(base, wanted.negative, told[wanted.negative])
    count, size = len(wanted.prompts), wanted.batch_size
    for start in range(0, count, size):
        places = [min(place, count - 1) for place in range(start, start + size)]
        batch = Batch(
            prompts=[told[wanted.prompts[place]] for place in places],
            negatives=[negative] * size,
            noise=noise.batch(base, [wanted.seeds[place] for place in places], wanted.width, wanted.height),
            guidance=[wanted.sampling.guidance] * size,
            wearing=wearing,
        )
        yield denoise(base, batch, wanted.sampling)
