"""What a recipe becomes when a version is declared."""

from __future__ import annotations

import pytest

from jobs import manifests
from jobs.spec import TrainRecipe
from tests.jobs.manifests.table import PROJECT, with_


def _resolved(**changes: object) -> manifests.ResolvedRecipe:
    project = manifests.parse(with_(PROJECT, **changes))
    assert isinstance(project, manifests.BrandProject)
    return manifests.resolve_recipe(project.spec)


def test_a_product_takes_the_products_recipe() -> None:
    assert _resolved() == manifests.ResolvedRecipe(
        preset=manifests.Concept.PRODUCT,
        train=TrainRecipe(
            rank=16,
            alpha=16.0,
            steps=300,
            learning_rate=3.0e-3,
            resolution=64,
            batch=4,
            seed=7,
            prior=0.25,
            caption_dropout=0.05,
            min_snr_gamma=5.0,
            gradient_clip=1.0,
            weight_decay=0.01,
            warmup_steps=20,
            targets="default",
        ),
        sample_every=100,
    )


def test_what_is_written_stands_and_the_rest_is_the_presets() -> None:
    resolved = _resolved(spec__recipe={"preset": "style", "steps": 50, "sampleEvery": 0, "learningRate": 1e-3})

    expected = manifests.PRESETS[manifests.Concept.STYLE].model_copy(update={"steps": 50, "learning_rate": 1e-3})
    assert resolved == manifests.ResolvedRecipe(manifests.Concept.STYLE, expected, 0)


def test_alpha_follows_the_rank_unless_it_is_written() -> None:
    assert _resolved(spec__recipe={"rank": 8}).train.alpha == 8.0
    assert _resolved(spec__recipe={"rank": 8, "alpha": 4}).train.alpha == 4.0


def test_the_warm_up_never_outlasts_the_training() -> None:
    assert _resolved(spec__recipe={"steps": 5}).train.warmup_steps == 5


@pytest.mark.parametrize("concept", list(manifests.Concept))
def test_writing_a_presets_own_values_asks_for_the_same_training(concept: manifests.Concept) -> None:
    plain = _resolved(spec__concept=concept.value)
    written = manifests.Recipe(**plain.train.model_dump()).model_dump(by_alias=True, exclude_none=True)

    assert _resolved(spec__concept=concept.value, spec__recipe=written) == plain
