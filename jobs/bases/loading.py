"""Loads a foundation model's parts, frozen, on a device. Knows no adapter and no prompt.

Families share one shape: a UNet, a VAE, text encoders with their tokenizers, and a scheduler's settings. Parts are named as
diffusers names their folders.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from jobs.bases import detect
from jobs.bases.catalogue import BaseEntry
from jobs.errors import BaseUnknown

PARTS: dict[str, dict[str, Any]] = {
    "sd15": {"text_encoder": CLIPTextModel, "tokenizer": CLIPTokenizer},
    "sdxl": {
        "text_encoder": CLIPTextModel,
        "tokenizer": CLIPTokenizer,
        "text_encoder_2": CLIPTextModelWithProjection,
        "tokenizer_2": CLIPTokenizer,
    },
}
"""What each family reads prompts with."""


@dataclass(frozen=True)
class Base:
    """A resident, frozen foundation model. `factor` is pixels per latent, `latent_channels` the VAE's depth.

    The second encoder and tokenizer are None in families that have one. `zeros_for_empty`: no negative prompt is told as zeros.
    """

    digest: str
    family: str
    unet: Any  # UNet2DConditionModel; diffusers and transformers ship no usable types
    vae: Any  # AutoencoderKL
    text_encoder: Any  # CLIPTextModel
    tokenizer: Any  # CLIPTokenizer
    scheduler_config: dict[str, Any]
    device: torch.device
    dtype: torch.dtype
    text_encoder_2: Any = None  # CLIPTextModelWithProjection
    tokenizer_2: Any = None  # CLIPTokenizer
    zeros_for_empty: bool = False

    @property
    def factor(self) -> int:
        """Pixels per latent pixel, on each side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def latent_channels(self) -> int:
        return int(self.vae.config.latent_channels)


def load(entry: BaseEntry, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Base:
    """Load an entry's weights (safetensors only), in eval mode, without gradients.

    Raises BaseUnknown where the folder is not of the entry's family, or a part of it cannot be read.
    """
    _require_family(entry)
    readers = {name: _part(entry, name, kind, dtype) for name, kind in PARTS[entry.family].items()}
    unet = _part(entry, "unet", UNet2DConditionModel, dtype)
    vae = _part(entry, "vae", AutoencoderKL, _vae_dtype(entry, dtype))
    for module in (unet, vae, *readers.values()):
        if isinstance(module, torch.nn.Module):
            module.requires_grad_(False).eval().to(device)
    return Base(
        digest=entry.digest,
        family=entry.family,
        unet=unet,
        vae=vae,
        scheduler_config=_scheduler_config(entry),
        device=torch.device(device),
        dtype=dtype,
        zeros_for_empty=_says_nothing_by_zeros(entry),
        **readers,
    )


def _require_family(entry: BaseEntry) -> None:
    found = detect.detect(entry.folder)
    if found != entry.family:
        raise BaseUnknown(
            f"The base {entry.name} is listed as {entry.family}, and its folder {entry.folder.name} holds a model of {found}.",
            hint=f"Add it to the catalogue again, as {found}.",
        )


def _part(entry: BaseEntry, name: str, kind: Any, dtype: torch.dtype) -> Any:
    options: dict[str, Any] = {"local_files_only": True}
    if kind is not CLIPTokenizer:
        says_dtype = "torch_dtype" if kind in (UNet2DConditionModel, AutoencoderKL) else "dtype"
        options |= {"use_safetensors": True, says_dtype: dtype}
    try:
        return kind.from_pretrained(str(entry.folder), subfolder=name, **options)
    except (OSError, SafetensorError) as error:
        raise BaseUnknown(
            f"The {name} of base {entry.name} cannot be read: {str(error).splitlines()[0]}",
            hint=f"Its folder needs {name}/ with settings and weights as safetensors, whole; convert or fetch it again.",
        ) from error


def _vae_dtype(entry: BaseEntry, dtype: torch.dtype) -> torch.dtype:
    """The base's, or float32 where 16 bits would overflow in the VAE and its settings say so (`force_upcast`)."""
    upcast = AutoencoderKL.load_config(str(entry.folder), subfolder="vae").get("force_upcast", True)
    return torch.float32 if upcast and dtype.itemsize == 2 else dtype


def _says_nothing_by_zeros(entry: BaseEntry) -> bool:
    """As SDXL's pipelines do unless their settings say otherwise; other families encode the empty text."""
    index = json.loads((entry.folder / "model_index.json").read_text(encoding="utf-8"))
    return bool(index.get("force_zeros_for_empty_prompt", entry.family == "sdxl"))


def _scheduler_config(entry: BaseEntry) -> dict[str, Any]:
    from diffusers import DDIMScheduler

    config: dict[str, Any] = dict(DDIMScheduler.load_config(str(entry.folder), subfolder="scheduler"))
    # Latents reach far beyond 1. DDIM's class would clip them where the settings were written for a scheduler that cannot clip.
    return {"clip_sample": False, **config}
