"""Proof that an image is what its recipe makes: drawn again, not fetched, and compared by digest."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow

from jobs import blobs, identity, keys, publish
from jobs.errors import KeyNotFound
from jobs.generation import images, numerics
from jobs.generation.images import Rgb
from jobs.generation.renderer import Renderer
from jobs.ports import ObjectStore
from jobs.records import ImageRecord


@dataclass(frozen=True)
class Verdict:
    """How an image drawn again compares with the one that was recorded.

    The same bytes are promised only where the numerics class is the same; `largest_difference` is of 8-bit values.
    """

    recipe_hash: str
    has_same_bytes: bool
    has_same_class: bool
    largest_difference: int


def verify(store: ObjectStore, renderer: Renderer, recipe_hash: str) -> Verdict:
    """Draw a recorded image again and compare. Raises KeyNotFound, Corrupt, and what the renderer's `prepare` raises."""
    body = publish.read(store, keys.image(recipe_hash))
    if body is None:
        raise KeyNotFound(f"No image is recorded for recipe {recipe_hash[:12]}...", hint="It was not drawn yet.")
    record = ImageRecord.model_validate(body)
    again = images.png_of(renderer.render_image(record.recipe))
    return Verdict(
        recipe_hash=recipe_hash,
        has_same_bytes=identity.digest_of(again) == record.digest,
        has_same_class=numerics.numerics_class(renderer.base, renderer.batch_size) == record.numerics,
        largest_difference=_largest_difference(_pixels(again), _pixels(blobs.get(store, record.digest))),
    )


def _pixels(png: bytes) -> Rgb:
    with Pillow.open(io.BytesIO(png), formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _largest_difference(first: Rgb, second: Rgb) -> int:
    return int(np.abs(first.astype(np.int16) - second.astype(np.int16)).max())
