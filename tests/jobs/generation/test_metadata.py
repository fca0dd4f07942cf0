"""A PNG tells other tools how it was made, and us how to make it again; of the customer only the prompt."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.errors import Corrupt
from jobs.finishing import png
from jobs.generation import metadata
from jobs.shots import AdapterUse, Recipe, Sampling
from tests.jobs.generation.given import FINISH

USES = (AdapterUse(digest="ab" * 32, strength=0.8), AdapterUse(digest="cd" * 32))


def recipe(**how: object) -> Recipe:
    told: dict[str, object] = {"prompt": "a red sock, at night", "negative": "blur", **how}
    sampling = Sampling(name="euler", steps=12, guidance=4.5)
    return Recipe(base="0123456789" * 6 + "0123", seed=9, width=64, height=96, sampling=sampling, finish=FINISH, **told)


def test_parameters_read_as_other_tools_write_them() -> None:
    assert metadata.parameters(recipe(adapters=USES)) == (
        "a red sock, at night\n"
        "Negative prompt: blur\n"
        "Steps: 12, Sampler: Euler, CFG scale: 4.5, Seed: 9, Size: 64x96, Model hash: 0123456789, "
        'Lora hashes: "adapter-abababab: abababababab, adapter-cdcdcdcd: cdcdcdcdcdcd", '
        'Lora strengths: "adapter-abababab: 0.8, adapter-cdcdcdcd: 1", '
        "Version: brandfarm"
    )


def test_parameters_of_a_plain_image_hold_no_empty_lines() -> None:
    told = metadata.parameters(recipe(negative=""))
    assert told.splitlines()[1].startswith("Steps: 12")
    assert "Lora" not in told


@pytest.mark.parametrize("prompt", ["a red sock", "eine Socke für Zoë, 靴下", 'two\nlines, "quoted": {braces}'])
def test_a_recipe_comes_back_from_the_png_whole(prompt: str) -> None:
    asked = recipe(prompt=prompt, adapters=USES)
    file = png.encode_png(np.zeros((8, 8, 3), np.uint8), metadata.texts(asked))
    found = png.read_text(file)
    assert metadata.recipe_of(found) == asked
    assert metadata.recipe_of(found).hash == asked.hash
    assert found["parameters"].startswith(prompt)


@pytest.mark.parametrize("found", [{}, {"brandfarm": "not JSON"}, {"brandfarm": '{"prompt": "x"}'}])
def test_a_png_without_a_recipe_is_refused(found: dict[str, str]) -> None:
    with pytest.raises(Corrupt, match="no readable recipe"):
        metadata.recipe_of(found)
