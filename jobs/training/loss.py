"""The diffusion loss: what the UNet should predict, and min-SNR weights by timestep. Knows no adapter and no optimiser.

Min-SNR: Hang et al. 2023 (arXiv 2303.09556). For v-prediction the weight at zero SNR would be 0; a floor keeps the last
timestep learning, which schedules with zero terminal SNR need.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from jobs.errors import RecipeInvalid

FLOOR = 0.05  # of the v-prediction's weight, before normalising; from the tiny base's own training


class Prediction(StrEnum):
    """What a base predicts."""

    EPSILON = "epsilon"
    V = "v_prediction"


@dataclass(frozen=True)
class NoiseSchedule:
    """How a base's latents are noised, and what it predicts. `kept` is alphas_cumprod [T] in float64 on the CPU."""

    kept: Tensor
    prediction: Prediction

    @classmethod
    def of(cls, scheduler_config: dict[str, Any]) -> NoiseSchedule:
        """From a diffusers scheduler's settings. Raises RecipeInvalid for a prediction type that cannot be trained here."""
        named = scheduler_config.get("prediction_type", "epsilon")
        if named not in list(Prediction):
            raise RecipeInvalid(
                f"The base predicts {named!r}; this trainer knows {', '.join(Prediction)}.",
                hint="Train on a base of another family.",
            )
        scheduler: Any = DDIMScheduler
        kept: Tensor = scheduler.from_config(scheduler_config).alphas_cumprod
        return cls(kept.double(), Prediction(named))

    @property
    def timesteps(self) -> int:
        """T, how many timesteps there are."""
        return len(self.kept)

    def mixing(self, timesteps: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of signal and of noise at CPU timesteps [N], as [N, 1, 1, 1] beside `like`."""
        kept = self.kept[timesteps]
        return tuple(share.sqrt().to(like)[:, None, None, None] for share in (kept, 1 - kept))  # type: ignore[return-value]

    def noisy(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the UNet sees: [N, C, h, w]."""
        signal, rest = self.mixing(timesteps, latents)
        return signal * latents + rest * noise

    def target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the UNet should say: [N, C, h, w]."""
        if self.prediction is Prediction.EPSILON:
            return noise
        signal, rest = self.mixing(timesteps, latents)
        return signal * noise - rest * latents

    def weights(self, gamma: float) -> Tensor:
        """The min-SNR weight of every timestep [T], float64, with mean 1. Raises RecipeInvalid for gamma <= 0."""
        if not gamma > 0:
            raise RecipeInvalid(
                f"The recipe asks for min_snr_gamma {gamma}.", hint="Set recipe.min_snr_gamma above 0; 5 is usual."
            )
        snr = self.kept / (1 - self.kept).clamp(min=1e-12)
        if self.prediction is Prediction.EPSILON:
            raw = gamma / snr.clamp(min=gamma)  # = min(snr, gamma) / snr, and 1 where snr is 0
        else:
            raw = snr.clamp(max=gamma) / (snr + 1) + FLOOR
        return raw / raw.mean()


def per_project(predicted: Tensor, target: Tensor, weights: Tensor, projects: int) -> Tensor:
    """Each project's loss [K]: the weighted mean over its own samples, which lie together; weights [N]."""
    errors = (predicted.to(target) - target).square().flatten(1).mean(1)
    return torch.stack([mean.mean() for mean in (errors * weights).chunk(projects)])
