"""What can be measured on one decoded picture: size, light, sharpness, likeness, its ground and its colours. numpy and Pillow only.

Numbers in, judgements elsewhere: `noticing` decides what is too dark or too much alike.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 96  # pixels of the square in which everything but the size and the sharpness is measured
HASH_SIDE = 16
CLEARLY = 4  # steps of brightness, of 255
RIM = SIDE // 8  # the ground is looked for here
COLOUR_STEPS = 16  # steps of each channel in the table of colours

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Measure:
    """One picture's facts. brightness 0 to 255; spread is the brightness's deviation; sharpness the mean Laplacian's size.

    `likeness` is a difference hash of 256 bits; `ground` holds the rim's 12 mean colours; `middle` and `rim` are shares of colours.
    """

    name: str
    width: int
    height: int
    pixels: str  # the digest of its decoded pixels
    brightness: float
    spread: float
    sharpness: float
    likeness: int
    ground: tuple[float, ...]
    middle: dict[int, float]
    rim: dict[int, float]

    @property
    def short_side(self) -> int:
        """Pixels of the shorter side, which is what a square is cut from."""
        return min(self.width, self.height)


def measure(name: str, png: bytes, pixels: str, trained_at: int) -> Measure:
    """The facts of a decoded picture. pixels: the digest of its pixels; trained_at: the side at which its sharpness counts."""
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)  # [SIDE, SIDE, 3]
    grey = small @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    quarter = SIDE // 4
    return Measure(
        name,
        *picture.size,
        pixels,
        brightness=float(grey.mean()),
        spread=float(grey.std()),
        sharpness=_sharpness(picture, trained_at),
        likeness=_likeness(picture),
        ground=_ground(small),
        middle=_shares(small[quarter:-quarter, quarter:-quarter].reshape(-1, 3)),
        rim=_shares(_rim(small)),
    )


def colour_of(cell: int) -> tuple[int, int, int]:
    """The colour in the middle of a cell of the table."""
    width = 256 // COLOUR_STEPS
    red, rest = divmod(cell, COLOUR_STEPS**2)
    green, blue = divmod(rest, COLOUR_STEPS)
    return (red * width + width // 2, green * width + width // 2, blue * width + width // 2)


def _sharpness(picture: Image.Image, side: int) -> float:
    """The sharpest edges: the 99th percentile of the Laplacian's size. A mean would call a plain ground blurred."""
    shrunk = picture.convert("L")
    shrunk.thumbnail((side, side), Image.Resampling.BOX)
    grey = np.asarray(shrunk, dtype=np.float32)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.percentile(np.abs(around - 4 * grey[1:-1, 1:-1]), 99))


def _likeness(picture: Image.Image) -> int:
    """A bit for each neighbour that is clearly brighter than the one on its left: on a plain ground there is only noise."""
    grey = np.asarray(picture.convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1] + CLEARLY).tobytes(), "big")


def _rim(small: Pixels) -> Pixels:
    inside = np.ones(small.shape[:2], dtype=bool)
    inside[RIM:-RIM, RIM:-RIM] = False
    return np.asarray(small[inside], dtype=np.float32)


def _ground(small: Pixels) -> tuple[float, ...]:
    """The mean colours of three parts of each edge."""
    edges = (small[:RIM], small[-RIM:], small[:, :RIM].transpose(1, 0, 2), small[:, -RIM:].transpose(1, 0, 2))
    parts = [part for edge in edges for part in np.split(edge, 3, axis=1)]
    return tuple(float(value) for part in parts for value in part.reshape(-1, 3).mean(axis=0))


def _shares(pixels: Pixels) -> dict[int, float]:
    """How much of the pixels falls into each cell of the table of colours."""
    steps = (pixels // (256 // COLOUR_STEPS)).astype(np.int64)
    cells, counts = np.unique(steps @ np.array([COLOUR_STEPS**2, COLOUR_STEPS, 1]), return_counts=True)
    return {int(cell): float(count) / len(pixels) for cell, count in zip(cells, counts, strict=True)}
