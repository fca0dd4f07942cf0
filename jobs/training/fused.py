"""One fused step's batch: the samples of several projects side by side, padded to a shape. Knows no bank and no optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from jobs.training.loss import NoiseSchedule, per_project
from jobs.training.prepared import PreparedDataset
from jobs.training.project import Project
from jobs.training.randomness import Choices


@dataclass(frozen=True)
class FusedBatch:
    """N = rows * batch samples, a project's own lying together, padding last.

    noisy [N, C, h, w], timesteps [N] and text [N, length, width] are what the UNet is given; target and weights are of the
    real samples only, so padding has no say.
    """

    noisy: Tensor
    timesteps: Tensor
    text: Tensor
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
    latents, text = (torch.cat(part) for part in zip(*parts, strict=True))
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
        text=_padded(text, padding),
        target=schedule.target(latents, noise, timesteps),
        weights=torch.cat(weights).to(latents),
        projects=len(projects),
    )


def _sampled(dataset: PreparedDataset, choice: Choices) -> tuple[Tensor, Tensor]:
    """Latents [b, C, h, w] and text [b, length, width] of one project's choices."""
    priors = choice.pictures[choice.is_prior]
    own = choice.pictures[~choice.is_prior]
    jitter = choice.jitter[~choice.is_prior].to(dataset.mean)
    latents = torch.cat([dataset.prior_latents[priors], dataset.mean[own] + dataset.std[own] * jitter])
    text = torch.cat([dataset.prior_hidden[priors], dataset.captions[dataset.caption_of[own]]])
    is_blank = choice.is_blank.to(text.device)[:, None, None]
    return latents, torch.where(is_blank, dataset.empty, text)


def _padded(samples: Tensor, count: int) -> Tensor:
    return F.pad(samples, (0, 0) * (samples.dim() - 1) + (0, count))
