"""Which family a model's folder is of, and at which resolution it was trained, read from its settings alone.

Standard library only: the catalogue asks before anything heavy is there. Loads no weights and does not look for them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jobs.errors import BaseUnknown

PIPELINES = {"StableDiffusionPipeline": "sd15", "StableDiffusionXLPipeline": "sdxl"}
"""The family of each pipeline that a folder's model_index.json may name."""

ADDED_CONDITIONS = {"sd15": (None, "text"), "sdxl": ("text_time",)}
"""What a family's UNet may be told beside the prompt: `addition_embed_type`. "text" is the tiny base's."""

PARTS = {
    "sd15": ("unet", "vae", "text_encoder", "tokenizer", "scheduler"),
    "sdxl": ("unet", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "scheduler"),
}
"""The folders that a family's model has beside its model_index.json."""

FAMILIES = {"sd15": "Stable Diffusion 1.x and 2.x", "sdxl": "Stable Diffusion XL without its refiner"}
"""The families there are, in words."""


def detect(folder: Path) -> str:
    """The family of a model in diffusers' format: "sd15" or "sdxl". Raises BaseUnknown saying what was found."""
    index = _settings(folder, "model_index.json")
    family = PIPELINES.get(str(index.get("_class_name")))
    if family is None:
        raise _unfit(folder, f"its model_index.json names {index.get('_class_name')!r}, not {' or '.join(PIPELINES)}")
    lacking = [part for part in PARTS[family] if index.get(part) in (None, [None, None])]
    if lacking:
        raise _unfit(folder, f"its model_index.json names no {', '.join(lacking)}, which {family} needs")
    wrong = _wrong(family, _settings(folder, "unet/config.json"), _settings(folder, "vae/config.json"))
    if wrong:
        raise _unfit(folder, wrong)
    return family


def native_resolution(folder: Path) -> int:
    """The side, in pixels, of the pictures a model was trained on. Raises BaseUnknown where its settings do not say."""
    latent = _settings(folder, "unet/config.json").get("sample_size")
    blocks = _settings(folder, "vae/config.json").get("block_out_channels")
    if not isinstance(latent, int) or not isinstance(blocks, list) or not blocks:
        raise _unfit(folder, f"its UNet has the sample size {latent!r} and its VAE the blocks {blocks!r}")
    return int(latent * 2 ** (len(blocks) - 1))


def _wrong(family: str, unet: dict[str, Any], vae: dict[str, Any]) -> str:
    """What keeps a UNet and a VAE from being a family's; empty where nothing does."""
    added, channels = unet.get("addition_embed_type"), (unet.get("in_channels", 4), vae.get("latent_channels", 4))
    if unet.get("_class_name") != "UNet2DConditionModel":
        return f"its unet is a {unet.get('_class_name')}, not a UNet2DConditionModel"
    if vae.get("_class_name") != "AutoencoderKL":
        return f"its vae is a {vae.get('_class_name')}, not an AutoencoderKL"
    if added not in ADDED_CONDITIONS[family]:
        return f"its unet has addition_embed_type {added!r}, which is not {family}'s"
    if channels[0] != channels[1]:
        return f"its unet takes {channels[0]} channels and its vae makes {channels[1]}: it is for inpainting or editing"
    if unet.get("time_cond_proj_dim") is not None:
        return (
            "its unet is told the guidance (time_cond_proj_dim): it is distilled, and only whole models can be trained"
        )
    if vae.get("latents_mean") is not None:
        return "its vae shifts latents by latents_mean, which neither family does"
    return ""


def _settings(folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _unfit(folder, f"it has no {name}") from error
    except (OSError, ValueError) as error:
        raise _unfit(folder, f"its {name} cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise _unfit(folder, f"its {name} is no JSON object")
    return found


def _unfit(folder: Path, found: str) -> BaseUnknown:
    known = ", ".join(f"{family} ({words})" for family, words in FAMILIES.items())
    return BaseUnknown(
        f"The folder {folder.name} is not a base model of a family that is known here: {found}.",
        hint=f"Name a folder in diffusers' format, of one of the families {known}.",
    )
