"""Very small bases of the real classes with random weights, one of each family, written once into a folder in diffusers' format.

They draw nothing that means anything, but every layer of the real pipelines is there and every input is felt.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from jobs.bases import detect, loading
from jobs.bases.catalogue import BaseEntry
from jobs.bases.loading import Base

FAMILIES = ("sd15", "sdxl")
WORDS = Path(detect.__file__).parent / "tiny" / "tokenizer"
LENGTH = 24  # tokens, of which the small vocabulary of the tiny base has 273
WIDTHS = {"sd15": 24, "sdxl": 56}
PROJECTED = 20
NOISE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
}
"""As the settings of both families' first models say, whichever their scheduler."""

ZERO_TERMINAL = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
"""The settings of bases that predict v down to pure noise."""


@cache
def folder(family: str, **scheduler: Any) -> Path:
    """The folder of a family's small base, gone when Python ends; what is named overrides its scheduler's settings."""
    where = Path(tempfile.mkdtemp(prefix="brandfarm-small-"))
    atexit.register(shutil.rmtree, where, ignore_errors=True)
    torch.manual_seed(7)
    {"sd15": _sd15, "sdxl": _sdxl}[family](scheduler).save_pretrained(where)
    return where


def entry(family: str, **scheduler: Any) -> BaseEntry:
    """It as the catalogue names it."""
    where = folder(family, **scheduler)
    return BaseEntry(
        name=f"small-{family}",
        family=family,
        folder=where,
        resolution=detect.native_resolution(where),
        licence="Apache-2.0",
        commercial=True,
        description="Random weights.",
    )


@cache
def base(family: str, dtype: torch.dtype = torch.float32, **scheduler: Any) -> Base:
    """It on the CPU, on one thread."""
    torch.set_num_threads(1)
    return loading.load(entry(family, **scheduler), dtype=dtype)


def _sd15(scheduler: dict[str, Any]) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        unet=_unet(cross_attention_dim=WIDTHS["sd15"]),
        vae=_vae(),
        text_encoder=CLIPTextModel(_text(24)).eval(),
        tokenizer=tokenizer(),
        scheduler=PNDMScheduler.from_config({**NOISE, **scheduler}),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl(scheduler: dict[str, Any]) -> StableDiffusionXLPipeline:
    unet = _unet(
        cross_attention_dim=WIDTHS["sdxl"],
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=PROJECTED + 6 * 8,
        transformer_layers_per_block=(1, 2),
        use_linear_projection=True,
    )
    return StableDiffusionXLPipeline(
        unet=unet,
        vae=_vae(),
        text_encoder=CLIPTextModel(_text(24)).eval(),
        tokenizer=tokenizer(),
        text_encoder_2=CLIPTextModelWithProjection(_text(32, projection_dim=PROJECTED, hidden_act="gelu")).eval(),
        tokenizer_2=tokenizer(pad_token="a</w>"),
        scheduler=EulerDiscreteScheduler.from_config({**NOISE, **scheduler}),
    )


def _unet(**settings: Any) -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        norm_num_groups=4,
        **settings,
    )
    return unet.eval()


def _vae() -> AutoencoderKL:
    vae = AutoencoderKL(
        block_out_channels=(4, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=64,
        scaling_factor=0.18215,
    )
    return vae.eval()


def _text(width: int, **settings: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=273,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        bos_token_id=271,
        eos_token_id=272,
        pad_token_id=272,
        initializer_factor=2.0,  # so that words are felt
        **settings,
    )


def tokenizer(**settings: Any) -> CLIPTokenizer:
    """The tiny base's, or one like it."""
    return CLIPTokenizer.from_pretrained(WORDS, local_files_only=True, **settings)
