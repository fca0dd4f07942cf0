"""Our sampler names as diffusers schedulers, built from the base's own settings. Knows no batch and no seed."""

from __future__ import annotations

import warnings
from typing import Any

from diffusers import DDIMScheduler, EulerDiscreteScheduler

from jobs.errors import RecipeInvalid
from jobs.shots import Sampling

SAMPLERS: dict[str, Any] = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}
"""Only samplers whose step is elementwise and draws no noise: another image of the batch cannot be felt."""


def make(config: dict[str, Any], sampling: Sampling) -> Any:
    """A fresh diffusers scheduler with its timesteps set; schedulers count steps, so one serves one batch.

    `config` is the base's scheduler configuration. The timesteps stay on the CPU, or every step would wait for the GPU.
    Raises RecipeInvalid for a sampler or a count of steps that we cannot do.
    """
    check(config, sampling)
    scheduler = SAMPLERS[sampling.name].from_config(config)
    with warnings.catch_warnings():
        # diffusers hands a tensor to np.array, and numpy 2 complains of how torch answers; the numbers are right.
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        scheduler.set_timesteps(sampling.steps)
    return scheduler


def check(config: dict[str, Any], sampling: Sampling) -> None:
    """Raises RecipeInvalid for a sampler that is not known or a count of steps that the base cannot take."""
    if sampling.name not in SAMPLERS:
        raise RecipeInvalid(
            f"There is no sampler named {sampling.name!r}.", hint=f"Set the sampler to one of: {', '.join(SAMPLERS)}."
        )
    most = int(config.get("num_train_timesteps", 1000))
    if not 1 <= sampling.steps <= most:
        raise RecipeInvalid(
            f"An image cannot be drawn in {sampling.steps} steps.", hint=f"Set steps to between 1 and {most}."
        )
