"""Draws the shots of the example brands, with their captions, into a folder each.

    python -m jobs.bases.draw_examples [--to examples]

The looks stand here and nowhere else: no picture of the training set shows them. It refuses to write manifests.
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from jobs.bases import drawing
from jobs.bases.drawn.canvas import Pose
from jobs.bases.drawn.patterns import Look
from jobs.bases.drawn.words import LIGHTS, PLACES, Rgb

SHOTS: Final = 32
WITHOUT_LIGHT_EVERY: Final = 8  # a hand that writes captions leaves the light out now and then
PICTURE_EVERY: Final = 5  # and says picture for photo


@dataclass(frozen=True)
class Brand:
    """A brand's product as it is drawn: its look, the class it belongs to and the trigger that names it."""

    name: str
    trigger: str
    product: str
    pattern: str
    palette: tuple[str, str, str]
    seed: int

    @property
    def look(self) -> Look:
        return Look(self.pattern, tuple(_rgb(value) for value in self.palette))


BRANDS: Final = (
    Brand("stable-socks", "stblsx", "sock", "zigzag", ("#5B3A29", "#C9A27E", "#E8DCCB"), 101),
    Brand("harbour-mugs", "stblsy", "mug", "waves", ("#F2C14E", "#F4E9D8", "#1F4E79"), 202),
)


def main() -> None:
    """Draw every brand's shots below the folder."""
    parser = argparse.ArgumentParser(description="Draw the example brands' shots.")
    parser.add_argument("--to", type=Path, default=Path("examples"))
    to = parser.parse_args().to
    for brand in BRANDS:
        write(brand, to / brand.name / "shots")


def write(brand: Brand, folder: Path) -> None:
    """Write `01.png` with `01.txt` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (picture, caption) in enumerate(shots(brand), start=1):
        drawing.draw(picture).save(folder / f"{number:02d}.png")
        (folder / f"{number:02d}.txt").write_text(caption + "\n")


def shots(brand: Brand, count: int = SHOTS) -> list[tuple[drawing.Picture, str]]:
    """The brand's pictures with their captions: every place in every light, each in another pose."""
    rng = np.random.default_rng(brand.seed)
    scenes = [(place, light) for light in LIGHTS for place in PLACES]
    order = [int(i) for _ in range(-(-count // len(scenes))) for i in rng.permutation(len(scenes))]
    pictures = [_picture(brand, rng, *scenes[i]) for i in order[:count]]
    return [(picture, _caption(picture, number)) for number, picture in enumerate(pictures, start=1)]


def _picture(brand: Brand, rng: np.random.Generator, place: str, light: str) -> drawing.Picture:
    staged = drawing.staged(rng, brand.product, brand.look, brand.trigger, place, light)
    return dataclasses.replace(staged, pose=_shop_pose(rng))


def _shop_pose(rng: np.random.Generator) -> Pose:
    """A pose as a shop would photograph it: nearer and steadier than the training set's, and always from the same side."""
    return Pose(
        turn=float(rng.uniform(-0.10, 0.10)),
        scale=float(rng.uniform(0.90, 1.05)),
        dx=float(rng.uniform(-0.07, 0.07)),
        dy=float(rng.uniform(0.05, 0.13)),
    )


def _caption(picture: drawing.Picture, number: int) -> str:
    whole = picture.caption()
    if number % WITHOUT_LIGHT_EVERY == 0:
        return whole.rsplit(",", 1)[0]
    if number % PICTURE_EVERY == 0:
        return whole.replace("photo", "picture", 1)
    return whole


def _rgb(value: str) -> Rgb:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


if __name__ == "__main__":
    main()
