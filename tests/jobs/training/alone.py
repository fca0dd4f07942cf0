"""The oracle: one project trained alone, the ordinary way, with PEFT's layers and torch's own AdamW."""

from __future__ import annotations

from typing import Any

import torch
from peft import get_peft_model_state_dict
from torch import Tensor

from jobs.spec import TrainRecipe
from jobs.training.loss import NoiseSchedule
from jobs.training.prepared import PreparedDataset
from jobs.training.randomness import Choices, Deck, choices
from tests.jobs.adapters.small_unet import small_unet, with_peft
from tests.jobs.training.given import SCHEDULER


def trained_alone(
    start: dict[str, Tensor], recipe: TrainRecipe, dataset: PreparedDataset, steps: int
) -> dict[str, Tensor]:
    """The adapter after so many steps from a start, in PEFT keys with `unet.`, in float64."""
    unet = small_unet()
    with_peft(unet, start, recipe.targets, recipe.rank, recipe.alpha, "default")
    parameters = [parameter for name, parameter in unet.named_parameters() if "lora_" in name]
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=recipe.weight_decay)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate(recipe, step)
        optimizer.zero_grad()
        loss(unet, recipe, dataset, step).backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe.gradient_clip)
        optimizer.step()
    return {f"unet.{name}": tensor for name, tensor in get_peft_model_state_dict(unet).items()}


def learning_rate(recipe: TrainRecipe, step: int) -> float:
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    return recipe.learning_rate * warm * (1 - 0.9 * step / recipe.steps)


def loss(unet: Any, recipe: TrainRecipe, dataset: PreparedDataset, step: int) -> Tensor:
    """The mean over the batch of the weighted v-prediction error, written out anew."""
    schedule = NoiseSchedule.of(SCHEDULER)
    chosen = choices(recipe.seed, step, deck(recipe, dataset))
    weights = schedule.weights(recipe.min_snr_gamma)
    latents, texts = (
        torch.stack(part) for part in zip(*(one_sample(dataset, chosen, n) for n in range(recipe.batch)), strict=True)
    )
    noise, kept = chosen.noise.double(), schedule.kept[chosen.timesteps][:, None, None, None]
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    velocity = kept.sqrt() * noise - (1 - kept).sqrt() * latents
    predicted = unet(noisy, chosen.timesteps, texts, return_dict=False)[0]
    return ((predicted - velocity).square().mean((1, 2, 3)) * weights[chosen.timesteps]).mean()


def deck(recipe: TrainRecipe, dataset: PreparedDataset) -> Deck:
    return Deck(
        batch=recipe.batch,
        pictures=len(dataset.mean),
        priors=len(dataset.prior_latents),
        prior_share=recipe.prior,
        blank_share=recipe.caption_dropout,
        timesteps=1000,
        shape=dataset.shape,
    )


def one_sample(dataset: PreparedDataset, chosen: Choices, sample: int) -> tuple[Tensor, Tensor]:
    """Latents [C, h, w] and text [length, width] of one sample."""
    index = chosen.pictures[sample]
    if chosen.is_prior[sample]:
        latent, text = dataset.prior_latents[index], dataset.prior_hidden[index]
    else:
        latent = dataset.mean[index] + dataset.std[index] * chosen.jitter[sample].double()
        text = dataset.captions[dataset.caption_of[index]]
    return latent, dataset.empty if chosen.is_blank[sample] else text
