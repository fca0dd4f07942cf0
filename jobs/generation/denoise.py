"""The denoising loop over diffusers' UNet and scheduler, for one batch whose images share nothing but size and steps.

Every image has its own prompt, seed, guidance, adapter row and strength. Knows no recipes, no store, no pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from jobs.bases import families
from jobs.bases.loading import Base
from jobs.bases.told import Frame, TextCondition, Told
from jobs.generation import schedulers
from jobs.shots import Sampling


class Wearing(Protocol):
    """The adapters of a batch: within `acting`, every UNet call applies them, `each` consecutive samples to an image."""

    def acting(self, each: int) -> AbstractContextManager[object]: ...


@dataclass(frozen=True)
class Batch:
    """N images before they are denoised: prompts and negatives N each, noise [N, C, h, w], guidance N (1 is none)."""

    prompts: Sequence[TextCondition]
    negatives: Sequence[TextCondition]
    noise: Tensor
    guidance: Sequence[float]
    wearing: Wearing | None = None

    @property
    def is_guided(self) -> bool:
        """Whether any image needs the UNet's second opinion at its negative prompt."""
        return any(guidance > 1 for guidance in self.guidance)


@torch.no_grad()
def denoise(base: Base, batch: Batch, sampling: Sampling) -> Tensor:
    """Latents [N, C, h, w] in the VAE's scale. `sampling` gives sampler and steps; its guidance is not looked at.

    In a guided batch every image goes through the UNet twice, one call a step: at its negative, then at its prompt.
    Raises RecipeInvalid.
    """
    # 1. Everything that is the same at every step: [N] -> [2N] where guided, an image's two samples side by side.
    each = 2 if batch.is_guided else 1
    told = families.of(base).unet_arguments(_told(base, batch))  # of each * N samples
    guidance = torch.tensor(batch.guidance, device=base.device, dtype=base.dtype)[:, None, None, None]
    scheduler = schedulers.make(base.scheduler_config, sampling)
    latents: Tensor = batch.noise * scheduler.init_noise_sigma
    # 2. The steps, the adapters' rows gathered once around them all.
    with batch.wearing.acting(each) if batch.wearing else nullcontext():
        for timestep in scheduler.timesteps:
            asked = scheduler.scale_model_input(latents.repeat_interleave(each, dim=0), timestep)
            predicted = base.unet(asked, timestep, **told, return_dict=False)[0]
            latents = scheduler.step(_guided(predicted, guidance, each), timestep, latents, return_dict=False)[0]
    return latents


def _told(base: Base, batch: Batch) -> Told:
    pairs = zip(batch.negatives, batch.prompts, strict=True)
    texts = [text for pair in pairs for text in pair] if batch.is_guided else list(batch.prompts)
    height, width = (side * base.factor for side in batch.noise.shape[-2:])
    return Told.of(texts, [Frame.whole(width, height)] * len(texts)).to(base.device, base.dtype)


def _guided(predicted: Tensor, guidance: Tensor, each: int) -> Tensor:
    """Classifier-free guidance, u + g (c - u); an image whose guidance is 1 or less keeps c to the bit."""
    if each == 1:
        return predicted
    unconditional, conditional = predicted[0::2], predicted[1::2]
    return torch.where(guidance > 1, unconditional + guidance * (conditional - unconditional), conditional)
