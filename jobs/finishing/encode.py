"""From a finished tensor to 8-bit pixels: the one rounding rule. Knows nothing of file formats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from jobs import errors


def to_bytes_rgb(image: torch.Tensor) -> npt.NDArray[np.uint8]:
    """A [3, H, W] image in [0, 1] as [H, W, 3] uint8: clipped, times 255, to the nearest, halves upwards.

    Raises RecipeInvalid where a value is not a number, which would otherwise become a black pixel.
    """
    values = image.detach().to("cpu", torch.float64)
    if not bool(torch.isfinite(values).all()):
        raise errors.RecipeInvalid(
            "cannot encode the image: it holds values that are not numbers",
            hint="the model overflowed; draw with 32-bit numbers, or with a VAE made for 16 bits",
        )
    levels = (values.clamp(0.0, 1.0) * 255 + 0.5).floor().to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().numpy()
