"""One fused step's batch: the samples of several projects side by side, padded to a shape. Knows no bank and no optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from jobs.bases.told import Told
from jobs.training.loss import NoiseSchedule, per_project
from jobs.training.prepared import PreparedDataset
from jobs.training.project import Project
from jobs.training.randomness import Choices


@dataclass(frozen=True)
class FusedBatch:
    """N = rows * batch samples, a project's own lying together, padding last.

    noisy [N, C, h, w], timesteps [N] and what is told of N samples are what the UNet is given; target and weights are of the
    real samples only, so padding has no say.
    """

    noisy: Tensor
    timesteps: Tensor
    told: Told
    target: Tensor
    weights: Tensor
    projects: int

    def losses(self, predicted: Tensor) -> Tensor:
        """Each project's own loss [projects] from the UNet's answer [N, C, h, w]."""
        return per_project(predicted[: len(self.target)], self.target, self.weights, self.projects)


def assemble(projects: Sequence[Project], rows: int, schedule: NoiseSchedule) -> FusedBatch:
    """The batch of these projects' next steps, padded to `rows` projects."""
    chosen = [project.choices(schedule.timesteps) for project in projects]
    parts = [_sampled(project.dataset, choice) for project, choice in zip(projects, chosen, strict=True)]
    latents = torch.cat([latents for latents, _ in parts])
    told = Told.cat([told for _, told in parts])
    noise = torch.cat([choice.noise for choice in chosen]).to(latents)
    timesteps = torch.cat([choice.timesteps for choice in chosen])
    batch = projects[0].recipe.batch
    weights = [
        schedule.weights(project.recipe.min_snr_gamma)[choice.timesteps]
        for project, choice in zip(projects, chosen, strict=True)
    ]
    padding = rows * batch - len(latents)
    return FusedBatch(
        noisy=_padded(schedule.noisy(latents, noise, timesteps), padding),
        timesteps=_padded(timesteps, padding).to(latents.device),
        told=told.padded(padding),
        target=schedule.target(latents, noise, timesteps),
        weights=torch.cat(weights).to(latents),
        projects=len(projects),
    )


def _sampled(dataset: PreparedDataset, choice: Choices) -> tuple[Tensor, Told]:
    """Latents [b, C, h, w] of one project's choices, and what is told of them."""
    priors = choice.pictures[choice.is_prior]
    own = choice.pictures[~choice.is_prior]
    jitter = choice.jitter[~choice.is_prior].to(dataset.mean)
    latents = torch.cat([dataset.prior_latents[priors], dataset.mean[own] + dataset.std[own] * jitter])
    return latents, dataset.told(own, priors, choice.is_blank)


def _padded(samples: Tensor, count: int) -> Tensor:
    return F.pad(samples, (0, 0) * (samples.dim() - 1) + (0, count))
