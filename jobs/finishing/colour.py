"""Colour correction of one image: contrast, then saturation, then gamma, on encoded (display) values.

Knows nothing of batches, seeds or files.
"""

from __future__ import annotations

import torch

from jobs.finish_steps import Colour

LUMINANCE_WEIGHTS = (0.2126, 0.7152, 0.0722)
"""Rec. 709 luminance of R, G, B; taken of encoded values, as picture editors do, which makes it luma."""

PIVOT = 0.5
"""The value that contrast leaves where it is."""

_NEUTRAL = Colour()


def luminance(image: torch.Tensor) -> torch.Tensor:
    """Y of a [3, H, W] image, as [H, W]."""
    red, green, blue = LUMINANCE_WEIGHTS
    return red * image[0] + green * image[1] + blue * image[2]


def apply(image: torch.Tensor, step: Colour) -> torch.Tensor:
    """Correct a [3, H, W] image in [0, 1] and clip it to [0, 1]; a neutral step returns the image itself.

    x <- p + c (x - p), then x <- Y + s (x - Y), then x <- clip(x, 0, 1)^(1 / gamma), with c and s being
    1 + percent / 100.
    """
    if step == _NEUTRAL:
        return image
    contrasted = PIVOT + (1 + step.contrast / 100) * (image - PIVOT)
    grey = luminance(contrasted)
    saturated = grey + (1 + step.saturation / 100) * (contrasted - grey)
    clipped = saturated.clamp(0.0, 1.0)
    return clipped if step.gamma == 1.0 else clipped.pow(1 / step.gamma)
