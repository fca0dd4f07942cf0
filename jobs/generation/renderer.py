"""Recipes to pictures on one resident base: every call runs one padded batch of the same size, whatever it is asked for.

So an image's bits depend on its recipe and the numerics class only. Knows no chunks and keeps no images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from jobs import finishing
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.errors import RecipeInvalid
from jobs.finishing import encode
from jobs.generation import noise, schedulers
from jobs.generation.batches import bucket_of, padded
from jobs.generation.denoise import Batch, denoise
from jobs.generation.images import Image, Rgb
from jobs.generation.prompts import Prompts
from jobs.generation.tables import Tables
from jobs.generation.wardrobe import Wardrobe
from jobs.ports import ObjectStore
from jobs.shots import Recipe

SIDE_UNIT = 8
"""Sides are multiples of 8 pixels, as diffusers' pipelines ask."""


class Renderer:
    """Draws up to `batch_size` images at a time on a base, with adapters read from the store into `slots` rows."""

    def __init__(self, base: Base, store: ObjectStore, batch_size: int, slots: int) -> None:
        self.base = base
        self.batch_size = batch_size
        self._prompts = Prompts(base)
        self._wardrobe = Wardrobe(base, store, slots)
        self._tables = Tables(store)

    def prepare(self, recipe: Recipe, beside: Sequence[Recipe] = ()) -> None:
        """Make sure that a recipe can be drawn and that its adapters are in the bank, beside those of its neighbours.

        Raises RecipeInvalid, KeyNotFound, Corrupt, StoreUnavailable.
        """
        schedulers.check(self.base.scheduler_config, recipe.sampling)
        if recipe.width % SIDE_UNIT or recipe.height % SIDE_UNIT or min(recipe.width, recipe.height) < SIDE_UNIT:
            raise RecipeInvalid(
                f"An image of {recipe.width} x {recipe.height} pixels cannot be drawn.",
                hint=f"Both sides must be multiples of {SIDE_UNIT}.",
            )
        self._tables.fetch(recipe)
        self._wardrobe.fetch(recipe, beside)

    @torch.no_grad()
    def draw(self, recipes: Sequence[Recipe]) -> Tensor:
        """Pictures [n, 3, H, W] in [0, 1] before their finish, of n <= batch_size prepared recipes of one bucket."""
        assert len({bucket_of(recipe) for recipe in recipes}) == 1, "a batch is of one bucket"
        full = padded(recipes, self.batch_size)
        latents = denoise(self.base, self._batch(full), full[0].sampling)
        return conditioning.decode_latents(self.base, latents)[: len(recipes)]

    def finished(self, picture: Tensor, wanted: Sequence[Recipe]) -> list[Image]:
        """One drawn picture [3, H, W] in each finish that is wanted of it, on the CPU."""
        copies = picture.expand(len(wanted), *picture.shape)
        steps, seeds = [recipe.finish for recipe in wanted], [recipe.seed for recipe in wanted]
        pixels = finishing.apply(copies, steps, seeds, self._tables.kept)
        return [Image(recipe, finish) for recipe, finish in zip(wanted, pixels.cpu(), strict=True)]

    def render(self, recipe: Recipe) -> Rgb:
        """One finished image, computed now: the same pixels as in any batch of this size on this numerics class.

        Raises as `prepare`.
        """
        return encode.to_bytes_rgb(self.render_image(recipe).pixels)

    def render_image(self, recipe: Recipe) -> Image:
        """As `render`, before it is encoded."""
        self.prepare(recipe)
        return self.finished(self.draw([recipe])[0], [recipe])[0]

    def close(self) -> None:
        """Leave the base as it was found."""
        self._wardrobe.close()

    def _batch(self, full: Sequence[Recipe]) -> Batch:
        first = full[0]
        return Batch(
            prompts=[self._prompts.condition(recipe.prompt) for recipe in full],
            negatives=[self._prompts.negative(recipe.negative) for recipe in full],
            noise=noise.batch(self.base, [recipe.seed for recipe in full], first.width, first.height),
            guidance=[recipe.sampling.guidance for recipe in full],
            wearing=self._wardrobe.wearing(full),
        )
