"""The five places and four lights behind a product.

It refuses to know which product stands there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.bases.drawn.canvas import Pixels, X, Y, colour, over, where
from jobs.bases.drawn.words import Rgb

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Light:
    """The colours of one light: the sky from top to horizon, the tint it casts, the disc in the sky."""

    sky_top: Rgb
    sky_low: Rgb
    tint: tuple[float, float, float]
    studio_wall: Rgb
    disc: tuple[float, float, float, Rgb] | None  # x, y above the horizon line or on the canvas, radius, colour


LIGHT_OF: Final[dict[str, Light]] = {
    "morning": Light(
        (140, 190, 235),
        (255, 228, 175),
        (1.05, 1.0, 0.88),
        (236, 226, 200),
        (-0.66, -0.66, 0.20, (255, 246, 190)),
    ),
    "noon": Light((80, 165, 240), (195, 228, 250), (1.0, 1.0, 1.0), (226, 228, 232), None),
    "sunset": Light(
        (205, 80, 95),
        (255, 178, 90),
        (1.05, 0.84, 0.74),
        (232, 176, 140),
        (0.66, -0.04, 0.27, (255, 236, 140)),
    ),
    "night": Light(
        (14, 18, 58), (48, 58, 112), (0.50, 0.56, 0.82), (74, 80, 112), (0.70, -0.70, 0.15, (240, 240, 220))
    ),
}

BUILDING_HEIGHTS: Final = np.array([0.55, 0.30, 0.75, 0.42, 0.62, 0.25, 0.5, 0.8, 0.35, 0.6, 0.45, 0.7, 0.3])


@dataclass(frozen=True)
class Setting:
    """One scene to paint: its light, its horizon (canvas y), and how far the skyline is shifted."""

    light: Light
    light_name: str
    horizon: float
    skyline_shift: float

    @property
    def tint(self) -> Pixels:
        return np.array(self.light.tint, np.float32)

    @property
    def depth(self) -> Pixels:
        """How near the floor is, 0 at the horizon and 1 at the lower edge, (SIDE, SIDE, 1)."""
        return np.asarray(np.clip((Y - self.horizon) / (1 - self.horizon), 0, 1)[..., None], np.float32)

    @property
    def is_floor(self) -> Mask:
        return np.asarray(self.horizon < Y)

    def lit(self, value: Rgb) -> Pixels:
        return np.asarray(colour(value) * self.tint, np.float32)

    def floor(self, far: Rgb, near: Rgb) -> Pixels:
        return np.asarray((colour(far) * (1 - self.depth) + colour(near) * self.depth) * self.tint, np.float32)


def paint(place: str, setting: Setting) -> Pixels:
    """The place in its light, (SIDE, SIDE, 3) in 0..1."""
    return np.clip(_PAINTERS[place](setting, _sky(setting)), 0, 1)


def _sky(setting: Setting) -> Pixels:
    top, low = colour(setting.light.sky_top), colour(setting.light.sky_low)
    fall = np.clip((Y + 1) / (1 + setting.horizon), 0, 1)[..., None]
    sky = np.asarray(top * (1 - fall) + low * fall, np.float32)
    if setting.light.disc is None:
        return _with_cloud(sky)
    return _with_disc(sky, setting)


def _with_cloud(sky: Pixels) -> Pixels:
    left = 0.17 - np.hypot((X + 0.62) / 1.9, Y + 0.68)
    right = 0.14 - np.hypot((X + 0.40) / 1.6, Y + 0.76)
    return over(sky, 1.0, np.clip(np.maximum(left, right) * 40, 0, 1))


def _with_disc(sky: Pixels, setting: Setting) -> Pixels:
    assert setting.light.disc is not None
    x, y, radius, value = setting.light.disc
    distance = np.hypot(X - x, Y - y)
    disc = over(sky, colour(value), np.clip((radius - distance) * 60, 0, 1))
    glow = 0.15 if setting.light_name == "night" else 0.35
    return over(disc, colour(value), np.exp(-((distance / (radius * 2)) ** 2)) * glow)


def _table(setting: Setting, sky: Pixels) -> Pixels:
    at = 0.64 if setting.light_name in ("sunset", "night") else -0.64
    frame = (np.abs(X - at) < 0.36) & (np.abs(Y + 0.61) < 0.39)
    pane = (np.abs(X - at) < 0.30) & (np.abs(Y + 0.61) < 0.33) & (np.abs(X - at) > 0.03)
    view = sky
    if setting.light_name == "sunset":
        view = where(np.hypot(X - 0.66, Y + 0.5) < 0.2, colour((255, 236, 140)), sky)
    wall = np.broadcast_to(setting.lit((232, 222, 205)), sky.shape).astype(np.float32)
    wall = where(pane, view, where(frame, setting.lit((250, 250, 245)), wall))
    wood = setting.floor((176, 112, 62), (140, 84, 44))
    depth = setting.depth[..., 0]
    seams = (np.abs(depth - 0.38) < 0.02) | (np.abs(depth - 0.80) < 0.02) | (Y - setting.horizon < 0.05)
    return where(setting.is_floor, where(seams, setting.lit((104, 60, 32)), wood), wall)


def _beach(setting: Setting, sky: Pixels) -> Pixels:
    sea = setting.floor((20, 120, 190), (90, 190, 210))
    sand = setting.floor((240, 214, 150), (226, 190, 120))
    shore = setting.horizon + 0.24 + 0.03 * np.sin(X * 5)
    ground = where(shore < Y, sand, sea)
    ground = where(np.abs(Y - shore) < 0.035, setting.lit((255, 255, 255)), ground)
    return where(setting.is_floor, ground, sky)


def _rooftop(setting: Setting, sky: Pixels) -> Pixels:
    across = (X + setting.skyline_shift + 1.2) / 0.26
    number = np.clip(across.astype(int), 0, len(BUILDING_HEIGHTS) - 1)
    roof = setting.horizon - BUILDING_HEIGHTS[number] * 0.85
    house = (roof < Y) & (setting.horizon >= Y)
    grey = (0.75 + 0.35 * ((number * 7) % 3) / 2)[..., None]
    picture = where(house, np.asarray(setting.lit((96, 106, 130)) * grey, np.float32), sky)
    panes = house & (np.abs((across % 1 * 2) % 1 - 0.5) < 0.22) & ((Y * 6.5) % 1 < 0.45) & (Y - roof > 0.06)
    glows = setting.light_name in ("night", "sunset")
    picture = where(panes, colour((255, 226, 130)) if glows else setting.lit((190, 215, 235)), picture)
    floor = setting.floor((150, 148, 146), (120, 118, 118))
    parapet = np.abs(Y - setting.horizon - 0.06) < 0.06
    return where(setting.is_floor, where(parapet, setting.lit((196, 190, 184)), floor), picture)


def _grass(setting: Setting, sky: Pixels) -> Pixels:
    hill = setting.horizon - 0.10 - 0.09 * np.sin(X * 2.4 + 0.8 + 4 * setting.skyline_shift)
    picture = where(hill < Y, setting.lit((70, 140, 74)), sky)
    return where(setting.is_floor, setting.floor((104, 186, 70), (58, 140, 48)), picture)


def _studio(setting: Setting, sky: Pixels) -> Pixels:
    fall = np.clip(np.hypot(X * 0.8, Y + 0.15), 0, 1.3)[..., None]
    wall = np.asarray(colour(setting.light.studio_wall) * (1.08 - 0.42 * fall), np.float32)
    return where(setting.horizon + 0.12 < Y, wall * np.float32(0.90), wall)


_PAINTERS: Final[dict[str, Callable[[Setting, Pixels], Pixels]]] = {
    "table": _table,
    "beach": _beach,
    "rooftop": _rooftop,
    "grass": _grass,
    "studio": _studio,
}
