"""The judge knows drawn pictures, finished or not, and a brand's colours from others."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from jobs import finishing
from jobs.bases import draw_examples, drawing
from jobs.bases.draw_examples import Brand
from jobs.bases.judge import Judge, lab
from jobs.finish_steps import Colour, FinishStep, Grain

FADED = (FinishStep(colour=Colour(contrast=-20.0, saturation=-10.0)), FinishStep(grain=Grain(power=0.2)))

each_brand = pytest.mark.parametrize("brand", draw_examples.BRANDS, ids=lambda brand: brand.name)


@functools.cache
def judge() -> Judge:
    return Judge.load()


@functools.cache
def fresh_pictures() -> tuple[drawing.Picture, ...]:
    rng = np.random.default_rng(2024)
    named = [drawing.random_picture(rng) for _ in range(60)]
    return tuple(named + [drawing.random_wild_picture(rng) for _ in range(40)])


@functools.cache
def brand_pictures(brand: Brand) -> tuple[drawing.Picture, ...]:
    return tuple(picture for picture, _ in draw_examples.shots(brand, 60)[32:])


@functools.cache
def drawn(pictures: tuple[drawing.Picture, ...]) -> list[Image.Image]:
    return [drawing.draw(picture) for picture in pictures]


def finished(images: Sequence[Image.Image], steps: Sequence[FinishStep] = FADED) -> list[Image.Image]:
    pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2) / 255
    made = finishing.apply(pixels, [steps] * len(images), list(range(len(images))))
    rows = (made.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(row) for row in rows]


def share_right(pictures: tuple[drawing.Picture, ...], images: Sequence[Image.Image]) -> tuple[float, float]:
    seen = judge().objects_and_places(images)
    pairs = list(zip(seen, pictures, strict=True))
    objects = np.mean([product == picture.product for (product, _), picture in pairs])
    places = np.mean([place == picture.place for (_, place), picture in pairs])
    return float(objects), float(places)


def test_it_knows_fresh_pictures_of_any_look_after_the_finish() -> None:
    pictures = fresh_pictures()
    objects, places = share_right(pictures, finished(drawn(pictures)))
    assert objects >= 0.98
    assert places >= 0.98


@each_brand
def test_it_knows_the_brands_products_after_the_finish(brand: Brand) -> None:
    pictures = brand_pictures(brand)
    objects, places = share_right(pictures, finished(drawn(pictures)))
    assert objects >= 0.98
    assert places >= 0.98


@each_brand
def test_a_brands_own_pictures_are_at_most_half_as_far_from_its_palette_as_others(brand: Brand) -> None:
    own = judge().palette_distance(drawn(brand_pictures(brand)), brand.palette)
    others = judge().palette_distance(drawn(fresh_pictures()), brand.palette)
    assert own <= 0.5 * others


def test_a_picture_without_a_product_is_as_far_as_can_be() -> None:
    sky = Image.new("RGB", (64, 64), (120, 180, 240))
    assert judge().palette_distances([sky], ["#78B4F0"]) == [100.0]


def test_lab_has_white_black_and_grey_where_cie_puts_them() -> None:
    colours = lab(np.array([[255, 255, 255], [0, 0, 0], [119, 119, 119]], np.uint8))
    assert np.allclose(colours, [[100, 0, 0], [0, 0, 0], [50, 0, 0]], atol=0.1)
