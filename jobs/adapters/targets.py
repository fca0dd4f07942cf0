"""Which layers of a UNet carry an adapter: named sets, matched by PEFT's own rule. Knows no weights.

A set is a list of PEFT `target_modules`, so that a LoraConfig describes an adapter of ours exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from torch import nn

from jobs.errors import RecipeInvalid

LINEAR = (
    "to_q",
    "to_k",
    "to_v",
    "to_out.0",
    "proj_in",
    "proj_out",
    "ff.net.0.proj",
    "ff.net.2",
    "time_emb_proj",
    "add_embedding.proj",  # families that modulate by a pooled text (tiny)
    "add_embedding.linear_1",  # families that modulate by text and size (sdxl)
    "add_embedding.linear_2",
)

SETS: dict[str, tuple[str, ...]] = {
    "attention": ("to_q", "to_k", "to_v", "to_out.0"),
    "default": LINEAR,
    "conv": (*LINEAR, "conv2"),
}


def target_modules(targets: str) -> tuple[str, ...]:
    """The PEFT `target_modules` of a named set. Raises RecipeInvalid."""
    if targets not in SETS:
        raise RecipeInvalid(
            f"The recipe asks for the target set {targets!r}, which does not exist.",
            hint=f"Set recipe.targets to one of: {', '.join(sorted(SETS))}.",
        )
    return SETS[targets]


def lora_config(targets: str, rank: int, alpha: float) -> LoraConfig:
    """The PEFT configuration of an adapter on a named set. Raises RecipeInvalid."""
    scale: Any = alpha  # PEFT divides it by the rank; its annotation says int, its arithmetic does not
    return LoraConfig(r=rank, lora_alpha=scale, target_modules=list(target_modules(targets)))


def matched(unet: Any, targets: str) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    """Name and module of every layer that a set names, in the UNet's order. Raises RecipeInvalid where none is, or one is unfit."""
    config = lora_config(targets, rank=1, alpha=1.0)
    found = [(name, module) for name, module in unet.named_modules() if check_target_module_exists(config, name)]
    if not found:
        raise RecipeInvalid(
            f"The target set {targets!r} names no layer of this base ({type(unet).__name__}).",
            hint="Choose a target set that fits the base's family; an adapter without layers would learn nothing.",
        )
    for name, module in found:
        yield name, _fit(name, module)


def _fit(name: str, module: nn.Module) -> nn.Linear | nn.Conv2d:
    if isinstance(module, nn.Linear):
        return module
    if isinstance(module, nn.Conv2d) and module.groups == 1 and module.padding_mode == "zeros":
        return module
    raise RecipeInvalid(
        f"Layer {name} is a {type(module).__name__}, which the adapter bank cannot adapt.",
        hint="Choose a target set of linear and plain convolution layers.",
    )
