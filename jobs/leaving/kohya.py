"""An adapter in Kohya's keys with its true alpha, and back again. Tensors in, tensors out; knows no file.

The record holds B with its scale folded in, which is alpha = rank. Here B is divided by alpha / rank again, so that a reader
who multiplies by `.alpha` / rank has the same product, and one who shows `.alpha` shows what the recipe said.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jobs.adapters.layout import PREFIX, A, B, names_of, rank_of
from jobs.errors import ExportMismatch
from jobs.leaving import names
from jobs.leaving.architecture import Known

DOWN, UP, ALPHA = ".lora_down.weight", ".lora_up.weight", ".alpha"
SUFFIXES = (DOWN, UP, ALPHA)


def twin(tensors: Mapping[str, Tensor], alpha: float, known: Known) -> dict[str, Tensor]:
    """The Kohya twin of an adapter in PEFT keys, alpha = rank folded in. Raises ExportMismatch where a layer has no name there."""
    scale = alpha / rank_of(tensors)
    made: dict[str, Tensor] = {}
    for layer in sorted(names_of(tensors)):
        stem = names.kohya(layer, known)
        made[stem + DOWN] = tensors[PREFIX + layer + A].contiguous()
        made[stem + UP] = (tensors[PREFIX + layer + B] / scale).contiguous()
        made[stem + ALPHA] = torch.tensor(alpha, dtype=torch.float32)
    if len(made) != len(SUFFIXES) * len(names_of(tensors)):
        raise ExportMismatch(
            f"Two of the adapter's {len(names_of(tensors))} layers would have the same name in Kohya's file.",
            hint="Nothing was written. This is a fault of ours: report it, and export with --format diffusers.",
        )
    return made


def stems(tensors: Mapping[str, Tensor]) -> list[str]:
    """The layers of a Kohya file, by the part that their keys share."""
    return [key.removesuffix(DOWN) for key in tensors if key.endswith(DOWN)]


def folded(tensors: Mapping[str, Tensor], layers: Mapping[str, str]) -> dict[str, Tensor]:
    """The same in PEFT keys, alpha / rank multiplied into B, as every reader of `.alpha` does; `layers` are by stem."""
    made: dict[str, Tensor] = {}
    for stem in stems(tensors):
        down, up = tensors[stem + DOWN], tensors[stem + UP]
        made[PREFIX + layers[stem] + A] = down
        made[PREFIX + layers[stem] + B] = up * (float(tensors[stem + ALPHA]) / len(down))
    return made
