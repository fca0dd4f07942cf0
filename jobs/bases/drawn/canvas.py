"""The drawing surface: coordinates, poses, outlines and masks, drawn large and reduced at the end.

It refuses to know what is drawn on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from jobs.bases.drawn.words import Rgb

Pixels = NDArray[np.float32]  # (SIDE, SIDE) or (SIDE, SIDE, 1 or 3), colours in 0..1
Outline = NDArray[np.float32]  # (points, 2) in product coordinates, x right and y down, about -1..1

SIDE: Final = 192  # drawn three times larger than the picture, for smooth edges
PICTURE_SIDE: Final = 64
REDUCTION: Final = SIDE // PICTURE_SIDE

_rows, _columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
X: Final[Pixels] = ((_columns + 0.5) / SIDE * 2 - 1).astype(np.float32)
Y: Final[Pixels] = ((_rows + 0.5) / SIDE * 2 - 1).astype(np.float32)


def colour(value: Rgb) -> Pixels:
    """A colour of 0..255 integers as three floats in 0..1."""
    return np.asarray(np.array(value, np.float32) / 255, np.float32)


def over(below: Pixels, above: Pixels | float, cover: Pixels) -> Pixels:
    """Lay `above` over `below` where `cover` (SIDE, SIDE) says so, 0..1."""
    share = cover[..., None]
    return np.asarray(below * (1 - share) + above * share, np.float32)


def where(cover: NDArray[np.bool_], above: Pixels, below: Pixels) -> Pixels:
    """Take `above` where `cover` holds and `below` elsewhere; colours broadcast."""
    return np.where(cover[..., None], above, below).astype(np.float32)


def outline(points: ArrayLike) -> Outline:
    """The outline through the given (x, y) points, corners kept."""
    return np.asarray(points, np.float32)


def smooth(points: ArrayLike, rounds: int = 2) -> Outline:
    """A closed outline with its corners cut (Chaikin's rule), twice by default."""
    here = np.asarray(points, np.float32)
    for _ in range(rounds):
        after = np.roll(here, -1, 0)
        cut = np.stack([0.75 * here + 0.25 * after, 0.25 * here + 0.75 * after], 1)
        here = cut.reshape(-1, 2)
    return here


def arc(cx: float, cy: float, rx: float, ry: float, start: float = 0, end: float = 360) -> Outline:
    """Points on an ellipse between two angles in degrees, clockwise on screen."""
    angle = np.linspace(np.radians(start), np.radians(end), 40)
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], 1).astype(np.float32)


def ring(cx: float, cy: float, rx: float, ry: float, width: float, start: float, end: float) -> Outline:
    """A band along an ellipse, `width` wide inwards, between two angles in degrees."""
    outer = arc(cx, cy, rx, ry, start, end)
    inner = arc(cx, cy, rx - width, ry - width, start, end)[::-1]
    return np.concatenate([outer, inner])


@dataclass(frozen=True)
class Pose:
    """Where a product stands: turned (radians), scaled, mirrored and shifted."""

    turn: float = 0.0
    scale: float = 1.0
    mirrored: bool = False
    dx: float = 0.0
    dy: float = 0.08

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        c, s = np.cos(self.turn), np.sin(self.turn)
        flip = -1.0 if self.mirrored else 1.0
        return np.asarray(self.scale * np.array([[c * flip, -s], [s * flip, c]]), np.float32)

    @cached_property
    def product_axes(self) -> tuple[Pixels, Pixels]:
        """The product's own x and y of every canvas point, each (SIDE, SIDE)."""
        back = np.linalg.inv(self.matrix)
        x, y = X - self.dx, Y - self.dy
        u = back[0, 0] * x + back[0, 1] * y
        v = back[1, 0] * x + back[1, 1] * y
        return u.astype(np.float32), v.astype(np.float32)

    def mask(self, shape: Outline) -> Pixels:
        """The filled outline on the canvas, (SIDE, SIDE) of 0 or 1."""
        placed = (shape @ self.matrix.T + np.array([self.dx, self.dy], np.float32) + 1) * SIDE / 2
        image = Image.new("L", (SIDE, SIDE), 0)
        ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in placed], fill=255)
        return np.asarray(np.asarray(image) > 0, np.float32)


def reduced(canvas: Pixels) -> Image.Image:
    """The finished canvas as a 64 x 64 picture (mode RGB, or L for a mask)."""
    levels = (np.clip(canvas, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(levels).reduce(REDUCTION)
