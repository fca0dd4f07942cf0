"""Reads a `.cube` file and applies it, trilinearly, as an editor would. Shares nothing with what wrote it but the format."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cube:
    """A 3D LUT: values [size, size, size, 3], indexed by blue, green, red; the domain's lowest and highest colour."""

    values: Array
    low: Array
    high: Array

    @property
    def size(self) -> int:
        return len(self.values)

    def applied(self, picture: Array) -> Array:
        """A picture [H, W, 3] through the table."""
        places = np.clip((picture - self.low) / (self.high - self.low), 0, 1) * (self.size - 1)
        below = np.minimum(places.astype(np.int64), self.size - 2)
        share = places - below
        result = np.zeros_like(picture)
        for corner in np.ndindex(2, 2, 2):
            step = np.array(corner)
            weight = np.prod(np.where(step == 1, share, 1 - share), axis=-1, keepdims=True)
            red, green, blue = np.moveaxis(below + step, -1, 0)
            result += weight * self.values[blue, green, red]
        return result


def read(data: bytes) -> Cube:
    """A `.cube` file's table. Raises ValueError where it is none, or its rows are not as many as it says."""
    size, low, high, rows = 0, np.zeros(3), np.ones(3), []
    for line in data.decode().splitlines():
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "TITLE":
            continue
        if words[0] == "LUT_3D_SIZE":
            size = int(words[1])
        elif words[0] == "DOMAIN_MIN":
            low = np.array([float(word) for word in words[1:]])
        elif words[0] == "DOMAIN_MAX":
            high = np.array([float(word) for word in words[1:]])
        else:
            rows.append([float(word) for word in words])
    if size < 2 or len(rows) != size**3:
        raise ValueError(f"a table of {size} points a side has {size**3} rows; {len(rows)} were found")
    return Cube(np.array(rows).reshape(size, size, size, 3), low, high)
