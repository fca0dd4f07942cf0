"""Shots of a plan: any of them is computed alone, and is named as if its whole recipe had been read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.shots import AdapterUse, Look, Plan, Recipe, Sampling

words = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=30)
seeds = st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=3, unique=True).map(tuple)


@settings(max_examples=60, deadline=None)
@given(prompts=st.lists(words, min_size=1, max_size=3), light=words, negative=words, seeds=seeds)
def test_a_shot_is_named_by_its_whole_recipe(
    prompts: list[str], light: str, negative: str, seeds: tuple[int, ...]
) -> None:
    looks = (
        Look(label="base"),
        Look(label="v1", adapters=(AdapterUse(digest="ab" * 32, strength=0.4),), trigger="stblsx", class_name="sock"),
        Look(label="grained", finish=(FinishStep(colour=Colour(contrast=-20)), FinishStep(grain=Grain(power=0.2)))),
    )
    plan = Plan(
        base="cd" * 32,
        looks=looks,
        prompts=(*prompts, "a {trigger} {class}, {light}"),
        variables={"light": (light, "night")},
        negative=negative,
        sizes=((64, 64), (96, 64)),
        seeds=seeds,
        sampling=Sampling(guidance=2.5),
    )
    for shot in plan.shots():
        unnamed = Recipe.model_validate(shot.recipe.model_dump())
        assert unnamed.hash == shot.recipe.hash
        assert unnamed == shot.recipe
        assert plan.shot(shot.index) == shot
    assert len({shot.recipe.hash for shot in plan.shots()}) == len({shot.recipe for shot in plan.shots()})
