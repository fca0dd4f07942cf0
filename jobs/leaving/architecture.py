"""Which UNet a base has, as other tools know it: by its blocks, not by its widths. Reads a configuration; loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ATTENTION, PLAIN = "CrossAttnDownBlock2D", "DownBlock2D"
STABLE_DIFFUSION_2_WIDTH = 1024


class Known(StrEnum):
    """The UNets whose adapters ComfyUI, A1111 and InvokeAI load. OTHER: none of them, so those tools cannot load the base."""

    SD1 = "Stable Diffusion 1"
    SDXL = "Stable Diffusion XL"
    OTHER = "other"


BLOCKS = {
    (ATTENTION, ATTENTION, ATTENTION, PLAIN): Known.SD1,
    (PLAIN, ATTENTION, ATTENTION): Known.SDXL,
}
ADDED = {Known.SD1: None, Known.SDXL: "text_time"}  # diffusers' addition_embed_type
WIDTHS = {Known.SD1: 768, Known.SDXL: 2048}  # of the text that cross-attention sees


@dataclass(frozen=True)
class Architecture:
    """A UNet's blocks: transformer layers on each level (0: none) and in the middle, and the width of its text."""

    known: Known
    depths: tuple[int, ...]
    middle_depth: int
    text_width: int

    @property
    def has_known_widths(self) -> bool:
        """Whether it is a UNet of that name in earnest; a small one with the same blocks is only of its class."""
        return self.text_width == WIDTHS.get(self.known)


def of(config: Mapping[str, Any]) -> Architecture:
    """The architecture of a diffusers UNet's configuration."""
    blocks = tuple(config["down_block_types"])
    layers = _listed(config["transformer_layers_per_block"], len(blocks))
    depths = tuple(depth if block == ATTENTION else 0 for block, depth in zip(blocks, layers, strict=True))
    width = _listed(config["cross_attention_dim"], 1)[0]
    return Architecture(_known(config, blocks, width), depths, layers[-1], width)


def _known(config: Mapping[str, Any], blocks: tuple[str, ...], width: int) -> Known:
    known = BLOCKS.get(blocks, Known.OTHER)
    is_plain = (
        known is not Known.OTHER
        and _listed(config["layers_per_block"], len(blocks)) == (2,) * len(blocks)
        and config.get("addition_embed_type") == ADDED[known]
        and config.get("resnet_time_scale_shift", "default") == "default"
        and width != STABLE_DIFFUSION_2_WIDTH
    )
    return known if is_plain else Known.OTHER


def _listed(value: Any, count: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,) * count
