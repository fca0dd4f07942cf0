"""What is printed on a product: patterns over the product's own coordinates.

It refuses to know the product's outline and which patterns a training set may show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from jobs.bases.drawn.canvas import Pixels, Pose, colour, where
from jobs.bases.drawn.words import Rgb


@dataclass(frozen=True)
class Look:
    """A product's print: a pattern and its colours, the ground first; `shift` slides the pattern down."""

    pattern: str
    colours: tuple[Rgb, ...]
    shift: float = 0.0

    @property
    def ground(self) -> Rgb:
        return self.colours[0]

    @property
    def accent(self) -> Rgb | None:
        """The colour of heels, brims and buttons; a plain look has none of its own."""
        return self.colours[1] if len(self.colours) > 1 and self.pattern != "plain" else None


def printed(look: Look, pose: Pose) -> Pixels:
    """The look's print over the whole canvas, (SIDE, SIDE, 3)."""
    u, v = pose.product_axes
    ground = np.broadcast_to(colour(look.ground), (*u.shape, 3)).astype(np.float32)
    print_ = _PRINTS[look.pattern](u, v + np.float32(look.shift))  # 0: ground, k: the k-th further colour
    for number, value in enumerate(look.colours[1:], start=1):
        ground = where(print_ == number, colour(value), ground)
    return ground


def _plain(u: Pixels, v: Pixels) -> Pixels:
    return np.zeros_like(u)


def _stripes(u: Pixels, v: Pixels) -> Pixels:
    return np.asarray(((v + 0.035) / 0.27) % 1 < 0.48, np.float32)


def _dots(u: Pixels, v: Pixels) -> Pixels:
    pitch = 0.33
    row = np.floor(v / pitch)
    across = (u / pitch + 0.5 * (row % 2)) % 1 - 0.5
    away: Pixels = np.hypot(across, (v / pitch) % 1 - 0.5)
    return np.asarray(away < 0.30, np.float32)


def _bars(u: Pixels, v: Pixels) -> Pixels:
    return np.asarray(np.floor(((v + 0.1) / 0.72) % 1 * 3), np.float32)


def _checks(u: Pixels, v: Pixels) -> Pixels:
    return np.asarray((np.floor(u / 0.24) + np.floor(v / 0.24)) % 2, np.float32)


def _diagonals(u: Pixels, v: Pixels) -> Pixels:
    return np.asarray(((u + v) / 0.46) % 1 < 0.45, np.float32)


def _halves(u: Pixels, v: Pixels) -> Pixels:
    return np.asarray(v > 0.1, np.float32)


def _belt(u: Pixels, v: Pixels) -> Pixels:
    away = np.abs(v - 0.05)
    return np.where(away < 0.11, 2, np.where(away < 0.26, 1, 0)).astype(np.float32)


def _zigzag(u: Pixels, v: Pixels) -> Pixels:
    height = v - np.abs((u / 0.42) % 1 - 0.5) * 0.52 + 0.50
    band = np.floor(height / 0.26) + 1
    return np.where((band >= 1) & (band <= 2), band, 0).astype(np.float32)


def _waves(u: Pixels, v: Pixels) -> Pixels:
    height = v + 0.13 * np.sin(u * 2 * np.pi / 0.56)
    return np.where(height > 0.20, 2, np.where(height > -0.20, 1, 0)).astype(np.float32)


_PRINTS: Final[dict[str, Callable[[Pixels, Pixels], Pixels]]] = {
    "plain": _plain,
    "stripes": _stripes,
    "dots": _dots,
    "bars": _bars,
    "checks": _checks,
    "diagonals": _diagonals,
    "halves": _halves,
    "belt": _belt,
    "zigzag": _zigzag,
    "waves": _waves,
}
