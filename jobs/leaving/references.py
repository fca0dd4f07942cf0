"""What the farm itself draws of a version, for its files to be compared with: the sheet's first prompts, before the finish."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from jobs.bases.loading import Base
from jobs.generation.renderer import Renderer
from jobs.leaving.cube import Colouring
from jobs.leaving.model import Model
from jobs.leaving.proof import Ours
from jobs.ports import ObjectStore
from jobs.shots import AdapterUse, Recipe

PICTURES = 2
LARGE = 100_000_000  # parameters of a UNet that a CPU takes minutes a step for
SHORT_STEPS, SMALL_SIDE = 4, 256


def draw(base: Base, store: ObjectStore, model: Model) -> Ours:
    """The recipes and their pictures, with the adapter at the recommended strength and without. Raises as the renderer does."""
    recipes = wanted(model, is_slow=_is_slow(base))
    renderer = Renderer(base, store, batch_size=1, slots=1)
    try:
        worn = [_drawn(renderer, recipe) for recipe in recipes]
        bare = [_drawn(renderer, _changed(recipe, adapters=())) for recipe in recipes]
    finally:
        renderer.close()
    return Ours(recipes, torch.cat(worn), torch.cat(bare))


def colouring(base: Base, store: ObjectStore, model: Model) -> Colouring:
    """The colour steps of the version's finish as the farm's own renderer does them. Raises as the renderer does."""
    renderer = Renderer(base, store, batch_size=1, slots=1)
    steps = [step.model_dump() for step in model.colour_steps]
    recipe = _changed(next(model.plan.shots()).recipe, adapters=(), finish=steps)
    renderer.prepare(recipe)
    return lambda picture: renderer.finished(picture, [recipe])[0].pixels.double()


def wanted(model: Model, is_slow: bool = False) -> Sequence[Recipe]:
    """The first prompts of the sheet at its first seed; one small, short picture where the machine is too slow for the base."""
    plan = model.plan
    shots = [shot for shot in plan.shots() if plan.looks[shot.look].adapters and shot.seed == plan.seeds[0]]
    sheets = [shot.recipe for shot in shots[: 1 if is_slow else PICTURES]]
    return [_reference(recipe, model, is_slow) for recipe in sheets]


def _changed(recipe: Recipe, **changes: object) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **changes})  # model_copy would copy the cached hash too


def _reference(recipe: Recipe, model: Model, is_slow: bool) -> Recipe:
    use = AdapterUse(digest=model.record.adapter, strength=model.strength)
    plain = _changed(recipe, finish=(), adapters=(use.model_dump(),))
    if not is_slow:
        return plain
    short = {**plain.sampling.model_dump(), "steps": min(plain.sampling.steps, SHORT_STEPS)}
    width, height = min(plain.width, SMALL_SIDE), min(plain.height, SMALL_SIDE)
    return _changed(plain, width=width, height=height, sampling=short)


def _drawn(renderer: Renderer, recipe: Recipe) -> torch.Tensor:
    renderer.prepare(recipe)
    return renderer.draw([recipe]).cpu().float()


def _is_slow(base: Base) -> bool:
    return base.device.type == "cpu" and sum(weight.numel() for weight in base.unet.parameters()) > LARGE
