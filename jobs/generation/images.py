"""One drawn image on its way into the store: finished pixels to a PNG, its blob, then its record. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from jobs import blobs, keys, publish
from jobs.figures import Figure, Tally
from jobs.finishing import encode, png
from jobs.generation import metadata
from jobs.ports import ObjectStore
from jobs.records import ImageRecord
from jobs.shots import Recipe

Rgb = npt.NDArray[np.uint8]
"""[H, W, 3] pixels."""


@dataclass(frozen=True)
class Image:
    """A finished image that is not yet encoded: its recipe and its pixels [3, H, W] in [0, 1]."""

    recipe: Recipe
    pixels: Tensor


def png_of(image: Image) -> bytes:
    """The image's file. Raises RecipeInvalid where the model gave values that are not numbers."""
    return png.encode_png(encode.to_bytes_rgb(image.pixels), metadata.texts(image.recipe))


def record(
    store: ObjectStore, image: Image, made: Mapping[str, str], write_id: str = "", tally: Tally | None = None
) -> None:
    """Keep an image: its bytes under their digest, then its record, which the first writer keeps.

    Doing it again is harmless. The seconds of encoding are added to `tally`.
    Raises RecipeInvalid as `png_of`, StoreError, StoreUnavailable.
    """
    with (tally or Tally()).timing(Figure.ENCODING_SECONDS):
        file = png_of(image)
    digest = blobs.put(store, file)
    body = ImageRecord(
        made=dict(made),
        recipe_hash=image.recipe.hash,
        recipe=image.recipe,
        digest=digest,
        size=len(file),
        numerics=made["numerics"],
    )
    publish.record(
        store, keys.image(image.recipe.hash), body.model_dump(mode="json"), blobs=[digest], write_id=write_id
    )


def outputs(recipe: Recipe, *, keep_raw: bool) -> tuple[Recipe, ...]:
    """The recipes that one denoise of a shot answers: the shot's own and, for a sheet, the one without its finish."""
    return (recipe, recipe.raw()) if keep_raw and recipe.finish else (recipe,)
