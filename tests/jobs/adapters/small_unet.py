"""A very small UNet of the real class, with every kind of layer that a target set names."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

CHANNELS, SIZE, LENGTH, WIDTH = 4, 8, 5, 8


def small_unet(dtype: torch.dtype = torch.float64, seed: int = 0) -> Any:
    """Frozen, in eval mode, the same weights for the same seed."""
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=SIZE,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=4,
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        resnet_time_scale_shift="scale_shift",
    )
    return unet.requires_grad_(False).eval().to(dtype)


def inputs(samples: int, dtype: torch.dtype = torch.float64, seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents, timesteps and text for that many samples."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(samples, CHANNELS, SIZE, SIZE, generator=generator, dtype=torch.float64)
    text = torch.randn(samples, LENGTH, WIDTH, generator=generator, dtype=torch.float64)
    timesteps = torch.randint(0, 1000, (samples,), generator=generator)
    return latents.to(dtype), timesteps, text.to(dtype)


def adapter(unet: Any, targets: str, rank: int, seed: int) -> dict[str, Tensor]:
    """A random adapter in PEFT keys, neither A nor B zero."""
    from jobs.adapters.layout import Layout

    layout = Layout.of(unet, targets, rank)
    row = torch.randn(layout.width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 0.2
    return layout.unpack(row.to(unet.dtype), rank, layout.names)


def with_peft(unet: Any, tensors: dict[str, Tensor], targets: str, rank: int, alpha: float, name: str) -> None:
    """Load an adapter into a UNet the ordinary way."""
    from peft import set_peft_model_state_dict

    from jobs.adapters.targets import lora_config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # PEFT warns of a second adapter, which is what is wanted
        unet.add_adapter(lora_config(targets, rank, alpha), adapter_name=name)
    plain = {key.removeprefix("unet."): tensor for key, tensor in tensors.items()}
    result = set_peft_model_state_dict(unet, plain, adapter_name=name)
    assert not result.unexpected_keys
