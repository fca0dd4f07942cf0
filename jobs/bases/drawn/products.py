"""The six products, each a few layers of outline and colour.

It refuses to know where they stand and what light falls on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from jobs.bases.drawn import patterns
from jobs.bases.drawn.canvas import Pixels, Pose, arc, colour, outline, ring, smooth
from jobs.bases.drawn.patterns import Look
from jobs.bases.drawn.words import Rgb

DARK_SUM: Final = 140  # below this sum of r, g, b a colour counts as dark, above the next as pale
PALE_SUM: Final = 690

# Where each product touches the ground, in its own y.
FOOT_OF: Final = {"sock": 0.70, "mug": 0.60, "bottle": 0.76, "bag": 0.70, "cap": 0.40, "shoe": 0.50}


@dataclass(frozen=True)
class Layer:
    """One part of a product: where it covers the canvas, and its colour there."""

    cover: Pixels
    paint: Pixels


@dataclass(frozen=True)
class Cloth:
    """A look made ready for one pose: the print and the shades that go with it."""

    print: Pixels
    darker: Pixels
    lighter: Pixels
    accent: Pixels
    is_dark: bool
    is_pale: bool


def cloth(look: Look, pose: Pose) -> Cloth:
    """The look's print and shades for a product in this pose."""
    ground = colour(look.ground)
    is_dark, is_pale = sum(look.ground) <= DARK_SUM, sum(look.ground) >= PALE_SUM
    darker = np.asarray(ground + 0.22 if is_dark else ground * 0.62, np.float32)
    lighter = np.asarray(ground * 0.9 if is_pale else ground * 0.72 + 0.28, np.float32)
    accent = darker if look.accent is None else colour(look.accent)
    return Cloth(patterns.printed(look, pose), darker, lighter, accent, is_dark, is_pale)


def layers(product: str, look: Look, pose: Pose) -> list[Layer]:
    """The product's parts, lowest first."""
    return _MAKERS[product](cloth(look, pose), pose)


def _sock(c: Cloth, pose: Pose) -> list[Layer]:
    points = [(-0.40, -0.76), (0.16, -0.76), (0.16, 0.02), (0.22, 0.16), (0.60, 0.24), (0.76, 0.44)]
    points += [(0.70, 0.66), (0.44, 0.72), (-0.10, 0.72), (-0.36, 0.66), (-0.46, 0.44), (-0.40, 0.10)]
    body = pose.mask(smooth(points))
    u, v = pose.product_axes
    cuff = pose.mask(smooth([(-0.44, -0.80), (0.20, -0.80), (0.20, -0.56), (-0.44, -0.56)], 1))
    toe = np.asarray(body * (u > 0.46), np.float32)
    heel = np.asarray(body * (np.hypot(u + 0.42, v - 0.60) < 0.30), np.float32)
    return [Layer(body, c.print), Layer(toe, c.accent), Layer(heel, c.accent), Layer(cuff, c.lighter)]


def _mug(c: Cloth, pose: Pose) -> list[Layer]:
    side = np.concatenate([outline([(-0.58, -0.52), (0.40, -0.52)]), arc(-0.09, 0.52, 0.49, 0.14, 0, 180)])
    return [
        Layer(pose.mask(ring(0.36, 0.05, 0.36, 0.38, 0.13, -100, 100)), c.darker),
        Layer(pose.mask(side), c.print),
        Layer(pose.mask(arc(-0.09, -0.52, 0.49, 0.15)), c.lighter),
        Layer(pose.mask(arc(-0.09, -0.50, 0.41, 0.10)), c.darker * np.float32(0.6)),
    ]


def _bottle(c: Cloth, pose: Pose) -> list[Layer]:
    points = [(-0.13, -0.60), (0.13, -0.60), (0.13, -0.42), (0.36, -0.22), (0.36, 0.76), (0.30, 0.78)]
    points += [(-0.30, 0.78), (-0.36, 0.76), (-0.36, -0.22), (-0.13, -0.42)]
    stopper = smooth([(-0.16, -0.84), (0.16, -0.84), (0.16, -0.58), (-0.16, -0.58)], 1)
    return [Layer(pose.mask(smooth(points)), c.print), Layer(pose.mask(stopper), colour((70, 70, 78)))]


def _bag(c: Cloth, pose: Pose) -> list[Layer]:
    body = outline([(-0.54, -0.22), (0.54, -0.22), (0.66, 0.68), (0.60, 0.74), (-0.60, 0.74), (-0.66, 0.68)])
    rim = outline([(-0.54, -0.22), (0.54, -0.22), (0.55, -0.10), (-0.55, -0.10)])
    handle = ring(0, -0.18, 0.33, 0.60, 0.10, 180, 360)
    return [
        Layer(pose.mask(handle), c.darker),
        Layer(pose.mask(body), c.print),
        Layer(pose.mask(rim), c.lighter),
    ]


def _cap(c: Cloth, pose: Pose) -> list[Layer]:
    crown = np.concatenate([arc(-0.16, 0.24, 0.58, 0.74, 180, 360), outline([(0.42, 0.30), (-0.74, 0.30)])])
    brim = smooth([(0.16, 0.14), (0.50, 0.10), (0.84, 0.24), (0.90, 0.40), (0.60, 0.36), (0.10, 0.34)])
    strap = outline([(-0.75, 0.22), (0.42, 0.22), (0.42, 0.34), (-0.73, 0.34)])
    return [
        Layer(pose.mask(crown), c.print),
        Layer(pose.mask(brim), c.accent),
        Layer(pose.mask(strap), c.darker),
        Layer(pose.mask(arc(-0.16, -0.50, 0.09, 0.06)), c.accent),
    ]


def _shoe(c: Cloth, pose: Pose) -> list[Layer]:
    points = [(-0.80, -0.42), (-0.60, -0.34), (-0.34, -0.34), (-0.18, -0.46), (0.02, -0.22), (0.30, 0.02)]
    points += [(0.70, 0.10), (0.86, 0.28), (0.86, 0.42), (-0.80, 0.42), (-0.82, 0.0)]
    laces: Rgb = (90, 90, 90) if c.is_pale else (250, 250, 250)
    sole: Rgb = (150, 150, 150) if c.is_pale else (246, 244, 238)
    parts = [Layer(pose.mask(smooth(points)), c.print)]
    for number in range(3):
        x, y = -0.06 + 0.15 * number, -0.24 + 0.13 * number
        lace = [(x - 0.10, y + 0.10), (x + 0.06, y - 0.06), (x + 0.10, y - 0.02), (x - 0.06, y + 0.14)]
        parts.append(Layer(pose.mask(outline(lace)), colour(laces)))
    under = smooth([(-0.84, 0.34), (0.88, 0.34), (0.90, 0.54), (-0.84, 0.54)], 1)
    return [*parts, Layer(pose.mask(under), colour(sole))]


_MAKERS: Final[dict[str, Callable[[Cloth, Pose], list[Layer]]]] = {
    "sock": _sock,
    "mug": _mug,
    "bottle": _bottle,
    "bag": _bag,
    "cap": _cap,
    "shoe": _shoe,
}
