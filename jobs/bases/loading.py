"""Loads a foundation model's parts, frozen, on a device. Knows no adapter and no prompt.

Families share one shape: a UNet, a VAE, text encoders with their tokenizers, and a scheduler's settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from jobs.bases.catalogue import BaseEntry


@dataclass(frozen=True)
class Base:
    """A resident, frozen foundation model. `factor` is pixels per latent, `latent_channels` the VAE's depth."""

    digest: str
    family: str
    unet: Any  # UNet2DConditionModel; diffusers and transformers ship no usable types
    vae: Any  # AutoencoderKL
    text_encoder: Any  # CLIPTextModel
    tokenizer: Any  # CLIPTokenizer
    scheduler_config: dict[str, Any]
    device: torch.device
    dtype: torch.dtype

    @property
    def factor(self) -> int:
        """Pixels per latent pixel, on each side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def latent_channels(self) -> int:
        return int(self.vae.config.latent_channels)


def load(entry: BaseEntry, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Base:
    """Load an entry's weights (safetensors only), in eval mode, without gradients."""
    folder = str(entry.folder)
    options: dict[str, Any] = {"use_safetensors": True, "torch_dtype": dtype, "local_files_only": True}
    unet = _part(UNet2DConditionModel, folder, "unet", **options)
    vae = _part(AutoencoderKL, folder, "vae", **options)
    encoder = CLIPTextModel.from_pretrained(
        folder, subfolder="text_encoder", use_safetensors=True, dtype=dtype, local_files_only=True
    )
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer", local_files_only=True)
    for module in (unet, vae, encoder):
        module.requires_grad_(False).eval().to(device)
    return Base(
        digest=entry.digest,
        family=entry.family,
        unet=unet,
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        scheduler_config=_scheduler_config(folder),
        device=torch.device(device),
        dtype=dtype,
    )


def _part(kind: Any, folder: str, subfolder: str, **options: Any) -> Any:
    return kind.from_pretrained(folder, subfolder=subfolder, **options)


def _scheduler_config(folder: str) -> dict[str, Any]:
    from diffusers import DDIMScheduler

    config: dict[str, Any] = dict(DDIMScheduler.load_config(folder, subfolder="scheduler"))
    return config
