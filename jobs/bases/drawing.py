"""Procedural product pictures with captions: what the tiny base is trained on and judged by.

It knows how a picture is put together; it refuses to know of models, datasets on disk and brands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from jobs.bases.drawn import places, products, words
from jobs.bases.drawn.canvas import Pixels, Pose, X, Y, colour, over, reduced
from jobs.bases.drawn.patterns import Look
from jobs.bases.drawn.words import Rgb

WILD_SHARE: Final = 0.15  # pictures of products that only a reserved word names
MIRRORED_SHARE: Final = 0.3


@dataclass(frozen=True)
class Picture:
    """One picture to draw: a product with its look and name, the place, the light and the pose."""

    product: str
    look: Look
    name: str  # how captions call the look before the product: "red", "stblsx"
    place: str
    light: str
    pose: Pose
    horizon: float = 0.12
    skyline_shift: float = 0.0
    print_words: str = ""  # how captions call the print after the product: " with blue dots"

    def caption(self) -> str:
        """The whole caption: `a photo of a red sock with blue dots on the beach, at night`."""
        where, light = words.PLACES[self.place], words.LIGHTS[self.light]
        return f"a photo of a {self.name} {self.product}{self.print_words} {where}, {light}"


def draw(picture: Picture) -> Image.Image:
    """Draw a picture, 64 x 64 RGB; the same picture gives the same pixels."""
    light = places.LIGHT_OF[picture.light]
    setting = places.Setting(light, picture.light, picture.horizon, picture.skyline_shift)
    canvas = _with_shadow(places.paint(picture.place, setting), picture)
    parts = products.layers(picture.product, picture.look, picture.pose)
    return reduced(_with_product(canvas, parts, picture, setting.tint))


def product_mask(picture: Picture) -> Image.Image:
    """Where the product covers the picture, 64 x 64 grey levels."""
    return reduced(_union(products.layers(picture.product, picture.look, picture.pose)))


def random_picture(rng: np.random.Generator) -> Picture:
    """A training picture: ten named colours and three patterns, or now and then a wild look under a reserved word."""
    if rng.random() < WILD_SHARE:
        return _staged(rng, random_look(rng), str(rng.choice(words.RESERVED_WORDS)), "")
    first, second = rng.choice(list(words.COLOURS), 2, replace=False)
    pattern = str(rng.choice(words.NAMED_PATTERNS))
    look = Look(pattern, (words.COLOURS[first], words.COLOURS[second]))
    return _staged(rng, look, str(first), "" if pattern == "plain" else f" with {second} {pattern}")


def random_wild_picture(rng: np.random.Generator) -> Picture:
    """A picture of any look in any colour, for the autoencoder, which must not know colours by name."""
    return _staged(rng, random_look(rng), str(rng.choice(words.RESERVED_WORDS)), "")


def staged(rng: np.random.Generator, product: str, look: Look, name: str, place: str, light: str) -> Picture:
    """The given product in a random pose."""
    return Picture(product, look, name, place, light, random_pose(rng), _horizon(rng), rng.uniform(-0.05, 0.05))


def random_look(rng: np.random.Generator) -> Look:
    """Any colours in any pattern that is not held out for the example brands."""
    shift = float(rng.uniform(-0.15, 0.15))
    return Look(str(rng.choice(words.WILD_PATTERNS)), tuple(_random_colour(rng) for _ in range(3)), shift)


def random_pose(rng: np.random.Generator) -> Pose:
    """A varied pose: turned up to 8 degrees, 0.82 to 1.08 in size, shifted by up to 3 pixels, at times mirrored."""
    scale = float(rng.uniform(0.82, 1.08))
    room = 1.1 - scale  # a large product has little room to move
    return Pose(
        turn=float(rng.uniform(-0.14, 0.14)),
        scale=scale,
        mirrored=bool(rng.random() < MIRRORED_SHARE),
        dx=float(rng.uniform(-0.05 - 0.3 * room, 0.05 + 0.3 * room)),
        dy=float(0.08 + rng.uniform(-0.04, 0.04 + 0.5 * room)),
    )


def _staged(rng: np.random.Generator, look: Look, name: str, print_words: str) -> Picture:
    product, place, light = (str(rng.choice(list(c))) for c in (words.PRODUCTS, words.PLACES, words.LIGHTS))
    pose, horizon, shift = random_pose(rng), _horizon(rng), float(rng.uniform(-0.05, 0.05))
    return Picture(product, look, name, place, light, pose, horizon, shift, print_words)


def _horizon(rng: np.random.Generator) -> float:
    return float(0.12 + rng.uniform(-0.05, 0.05))


def _random_colour(rng: np.random.Generator) -> Rgb:
    red, green, blue = (int(v) for v in rng.integers(15, 251, 3))
    return red, green, blue


def _with_shadow(canvas: Pixels, picture: Picture) -> Pixels:
    pose = picture.pose
    foot = pose.scale * products.FOOT_OF[picture.product] + pose.dy
    distance = ((X - pose.dx) / 0.72) ** 2 + ((Y - foot) / 0.10) ** 2
    return np.asarray(canvas * (1 - 0.5 * np.exp(-distance * 1.4))[..., None], np.float32)


def _union(parts: list[products.Layer]) -> Pixels:
    return np.asarray(np.maximum.reduce([part.cover for part in parts]), np.float32)


def _with_product(canvas: Pixels, parts: list[products.Layer], picture: Picture, tint: Pixels) -> Pixels:
    light_on_product = 0.55 + 0.45 * tint
    u, _ = picture.pose.product_axes
    shade = (1.04 - 0.20 * np.clip((u + 0.6) / 1.2, 0, 1))[..., None]
    canvas = over(canvas, _rim_colour(picture), _grown(_union(parts)))
    for part in parts:
        lit = np.clip(part.paint * shade * light_on_product, 0, 1).astype(np.float32)
        canvas = over(canvas, lit, part.cover)
    return canvas


def _grown(cover: Pixels, by: int = 3) -> Pixels:
    """The cover with a rim of `by` canvas points, which is one pixel of the picture."""
    grown = cover.copy()
    for axis in (0, 1):
        grown = np.maximum.reduce([grown, np.roll(grown, by, axis), np.roll(grown, -by, axis)])
    return grown


def _rim_colour(picture: Picture) -> Pixels:
    ground = picture.look.ground
    if sum(ground) > products.DARK_SUM:
        return colour(ground) * np.float32(0.62 * 0.45)
    if picture.light == "night":
        return np.array([0.45, 0.48, 0.60], np.float32)  # a dark product would sink into the night
    return np.array([0.02, 0.02, 0.03], np.float32)
