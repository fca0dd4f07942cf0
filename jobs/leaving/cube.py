"""The colour steps of a finish as a 3D LUT in a `.cube` file: sampled from the finish itself. Knows no picture.

Values are encoded (display) ones in [0, 1], as the finish works on them. Grain has no place in a table of colours.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Colouring = Callable[[Tensor], Tensor]
"""The colour steps of a finish: a picture [3, H, W] in [0, 1] in, the same picture in its colours out, in float64."""

SIZE = 33
DECIMALS = 7


def table(colouring: Colouring, size: int = SIZE) -> Tensor:
    """The finish of every colour of a grid: [blue, green, red, 3], float64."""
    axis = torch.linspace(0, 1, size, dtype=torch.float64)
    blue, green, red = torch.meshgrid(axis, axis, axis, indexing="ij")
    colours = torch.stack([red, green, blue]).reshape(3, size * size, size)  # as one picture
    return colouring(colours).reshape(3, size, size, size).permute(1, 2, 3, 0).contiguous()


def written(title: str, colouring: Colouring, size: int = SIZE) -> bytes:
    """The `.cube` file: red runs fastest, then green, then blue, as the format wants it."""
    rows = table(colouring, size).reshape(-1, 3).tolist()
    head = [
        f'TITLE "{title}"',
        "# Encoded (display) RGB in, the same out. Grain is not in it: a table of colours cannot hold it.",
        f"LUT_3D_SIZE {size}",
        "DOMAIN_MIN 0.0 0.0 0.0",
        "DOMAIN_MAX 1.0 1.0 1.0",
    ]
    lines = [" ".join(f"{value:.{DECIMALS}f}" for value in row) for row in rows]
    return "\n".join([*head, *lines, ""]).encode()
