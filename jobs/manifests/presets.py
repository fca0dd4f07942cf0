"""Recipes by preset, and how a manifest's recipe becomes a whole one. Pure; asked once, when a version is declared."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.manifests.brand_project import BrandProjectSpec, Concept
from jobs.spec import TrainRecipe

_PRODUCT = TrainRecipe(
    rank=16,
    alpha=16.0,
    steps=300,
    learning_rate=3.0e-3,
    resolution=64,
    batch=4,
    seed=7,
    prior=0.25,  # one prior picture in four kept a product from leaking onto its class
    caption_dropout=0.05,
    min_snr_gamma=5.0,
    gradient_clip=1.0,
    weight_decay=0.01,
    warmup_steps=20,
    targets="default",
)

PRESETS: dict[Concept, TrainRecipe] = {
    Concept.PRODUCT: _PRODUCT,
    Concept.STYLE: _PRODUCT.model_copy(update={"steps": 400, "prior": 0.0, "caption_dropout": 0.10}),
    Concept.CHARACTER: _PRODUCT.model_copy(update={"steps": 400}),
}
"""A style may colour everything, so it trains without prior pictures; a character has more to learn than a product."""

SAMPLE_EVERY = 100


@dataclass(frozen=True)
class ResolvedRecipe:
    """A whole recipe: the preset it came from, what decides the adapter, and every how many steps samples are drawn."""

    preset: Concept
    train: TrainRecipe
    sample_every: int


def resolve_recipe(spec: BrandProjectSpec) -> ResolvedRecipe:
    """The recipe of a project with every default filled in; alpha follows the rank, the warm-up fits into the steps."""
    preset = spec.recipe.preset or spec.concept
    written = spec.recipe.model_dump(exclude_none=True, exclude={"preset", "sample_every"})
    recipe = PRESETS[preset].model_copy(update=written)
    follows = {
        "alpha": float(written.get("alpha", recipe.rank)),
        "warmup_steps": min(recipe.warmup_steps, recipe.steps),
    }
    every = spec.recipe.sample_every
    return ResolvedRecipe(preset, recipe.model_copy(update=follows), SAMPLE_EVERY if every is None else every)
