"""Draws with diffusers' own pipeline and loader over a base's parts, as a stranger would who never heard of our bank.

The base's UNet is lent to the pipeline and given back as it was. Knows no store.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging
from torch import Tensor

from jobs.bases.loading import Base
from jobs.generation import schedulers
from jobs.shots import Recipe

SILENT = 50
"""The level of logging above which diffusers says nothing."""

Weights = Path | dict[str, Tensor]
"""A safetensors file, or a state dict."""


@dataclass(frozen=True)
class Drawn:
    """Pictures [N, 3, H, W] in [0, 1], and the layers of the UNet that the loader put an adapter on."""

    pictures: Tensor
    layers: frozenset[str]


def draw(base: Base, recipes: Sequence[Recipe], weights: Weights, strength: float) -> Drawn:
    """The recipes' pictures, without their finish, with an adapter that `load_lora_weights` loads."""
    with _quietly():
        pipeline = _pipeline(base)
        _load(pipeline, weights)
        try:
            pipeline.set_adapters(pipeline.get_active_adapters(), [strength])
            layers = frozenset(name for name, module in pipeline.unet.named_modules() if hasattr(module, "lora_A"))
            return Drawn(torch.cat([_picture(pipeline, base, recipe) for recipe in recipes]), layers)
        finally:
            pipeline.unload_lora_weights()


def _load(pipeline: Any, weights: Weights) -> None:
    if isinstance(weights, dict):
        pipeline.load_lora_weights(dict(weights))
    else:
        pipeline.load_lora_weights(str(weights.parent), weight_name=weights.name, local_files_only=True)


def _pipeline(base: Base) -> Any:
    parts: dict[str, Any] = {
        "vae": base.vae,
        "unet": base.unet,
        "text_encoder": base.text_encoder,
        "tokenizer": base.tokenizer,
        "scheduler": schedulers.SAMPLERS["ddim"].from_config(base.scheduler_config),
    }
    if base.family == "sdxl":
        kind: Any = StableDiffusionXLPipeline
        parts |= {"text_encoder_2": base.text_encoder_2, "tokenizer_2": base.tokenizer_2}
        parts |= {"force_zeros_for_empty_prompt": base.zeros_for_empty, "add_watermarker": False}
    else:
        kind = StableDiffusionPipeline
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipeline = kind(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def _picture(pipeline: Any, base: Base, recipe: Recipe) -> Tensor:
    sampling = recipe.sampling
    pipeline.scheduler = schedulers.SAMPLERS[sampling.name].from_config(base.scheduler_config)
    drawn = pipeline(
        prompt=recipe.prompt,
        negative_prompt=recipe.negative or None,
        width=recipe.width,
        height=recipe.height,
        num_inference_steps=sampling.steps,
        guidance_scale=sampling.guidance,
        generator=torch.Generator().manual_seed(recipe.seed),
        output_type="pt",
    )
    return torch.as_tensor(drawn.images).cpu().float()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without diffusers' remarks: what it cannot load is counted here, and told."""
    before = logging.get_verbosity()
    logging.set_verbosity(SILENT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
