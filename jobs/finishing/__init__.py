"""The finish: what happens to a picture after the model and before the file. Colour, look-up table and grain, per image.

Knows nothing of models, recipes, files or stores. Arithmetic is float64 and each image is worked on alone,
so that its finished values depend neither on the rest of the batch nor, in practice, on the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from jobs.finish_steps import FinishStep
from jobs.finishing import colour, grain, lut

NO_TABLES: Mapping[str, lut.Table] = {}


def apply(
    images: torch.Tensor,
    steps_per_image: Sequence[Sequence[FinishStep]],
    seeds: Sequence[int],
    tables: Mapping[str, lut.Table] = NO_TABLES,
) -> torch.Tensor:
    """Finish every image of a batch by its own steps, in order, with its own grain seed.

    `images` is [N, 3, H, W], floating, RGB in [0, 1]; the answer has the same shape and device, in float32. `tables`
    holds each look-up table that a step names, by its source. An image's bits are the same alone and in any batch or
    order. Raises ValueError unless there is one list of steps and one seed for each image.
    """
    finished = torch.empty(images.shape, dtype=torch.float32, device=images.device)
    with torch.no_grad():
        for place, image, steps, seed in zip(finished, images, steps_per_image, seeds, strict=True):
            place.copy_(_finish(image, steps, seed, tables))
    return finished


def _finish(
    image: torch.Tensor, steps: Sequence[FinishStep], seed: int, tables: Mapping[str, lut.Table]
) -> torch.Tensor:
    # Contiguous: torch's vectorised loops may round a remainder differently, so the memory layout must not vary.
    finished = image.to(torch.float64).contiguous()  # [3, H, W]
    grain_steps = 0
    for step in steps:
        if step.colour is not None:
            finished = colour.apply(finished, step.colour)
        elif step.lut is not None:
            finished = lut.apply(finished, tables[step.lut.source], step.lut.strength)
        elif step.grain is not None:
            finished = grain.apply(finished, step.grain, seed, layer=grain_steps)
            grain_steps += 1
    return finished
