"""The sheet's words: what a prompt has in common with the others, what a finish does, what changed."""

from __future__ import annotations

import pytest

from cli.sheet import facts, gather
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.shots import AdapterUse, Recipe
from tests.cli.sheet.studio import Studio


@pytest.mark.parametrize(
    ("prompts", "opening"),
    [
        (["a photo of a sock on a beach", "a photo of a sock at night"], "a photo of a sock"),
        (["a photo of a sock", "a photo of a sock at night"], "a photo of a"),
        (["one sock", "two socks"], ""),
        (["a photo of a sock"], ""),
        (["socks on sand", "socks on sandstone"], "socks on"),
    ],
)
def test_the_shared_opening_ends_with_a_whole_word_and_leaves_something(prompts: list[str], opening: str) -> None:
    assert facts.shared_opening(prompts) == opening


def test_a_finish_is_told_in_a_line() -> None:
    steps = (FinishStep(colour=Colour(contrast=-20, saturation=-10)), FinishStep(grain=Grain(power=0.2)))
    assert facts.finish_words(steps) == "contrast -20 %, saturation -10 %, grain 0.2 at 1 px"
    assert facts.finish_words(()) == "none"


def test_a_picture_tells_everything_that_decides_it() -> None:
    recipe = Recipe(
        base="b" * 64, adapters=(AdapterUse(digest="a" * 64, strength=0.9),), prompt="p", seed=7, width=64, height=96
    )
    told = dict(facts.shot_facts(recipe))
    assert told["Strength"] == "0.9"
    assert told["Size"] == "64 × 96 pixels"
    assert told["Sampler"] == "ddim, 20 steps, guidance 5"
    assert (told["Adapter"], told["Base"], told["Recipe"]) == ("a" * 12, "b" * 12, recipe.hash[:12])


def test_changes_name_the_recipe_the_dataset_and_the_judge(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    studio.document["spec"]["judge"]["seeds"] = [7, 42]
    studio.version(2, recipe={"rank": 8, "learning_rate": 0.001}, dataset="d" * 64)
    first, second = gather(studio.store, studio.document).versions
    assert facts.changes(first, second) == (
        "the dataset",
        "rank 16 → 8",
        "learning rate 0.003 → 0.001",
        "the judge's seeds",
    )
    assert facts.changes(first, first) == ()
