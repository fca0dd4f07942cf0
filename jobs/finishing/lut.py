"""A colour look-up table on one image: trilinear, between the colours of a `.cube` file. Knows no file and no store."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from jobs.cube import Cube


@dataclass(frozen=True)
class Table:
    """A table ready for use: values [size ** 3, 3] in float64, red fastest; the domain's corners [3, 1, 1]."""

    values: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    size: int

    @staticmethod
    def of(cube: Cube) -> Table:
        """The table of a parsed file."""
        low, high = (torch.tensor(corner, dtype=torch.float64).view(3, 1, 1) for corner in (cube.low, cube.high))
        return Table(torch.tensor(cube.values, dtype=torch.float64).view(-1, 3), low, high, cube.size)


def apply(image: torch.Tensor, table: Table, strength: float) -> torch.Tensor:
    """A [3, H, W] image in [0, 1] through a table and clipped to [0, 1]; `strength` of it, the rest as it was.

    Colours outside of the table's domain are taken to its edge. Trilinear: the eight colours around, each by the share of
    the opposite part of its cell (Cube LUT Specification 1.0, Interpolation).
    """
    places = ((image - table.low.to(image)) / (table.high - table.low).to(image)).clamp(0, 1) * (table.size - 1)
    below = places.floor().clamp(max=table.size - 2)
    share = places - below
    index = below.long()
    values = table.values.to(image)
    looked_up = torch.zeros_like(image)
    for corner in range(8):
        steps = torch.tensor([corner & 1, corner >> 1 & 1, corner >> 2 & 1], device=image.device).view(3, 1, 1)
        red, green, blue = index + steps
        weight = torch.where(steps == 1, share, 1 - share).prod(dim=0)  # [H, W]
        colours = values[(blue * table.size + green) * table.size + red]  # [H, W, 3]
        looked_up += weight * colours.permute(2, 0, 1)
    return (image + strength * (looked_up - image)).clamp(0.0, 1.0)
