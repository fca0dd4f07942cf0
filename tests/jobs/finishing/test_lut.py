"""A look-up table does what colour science says it does, at any strength, and nothing outside of its domain."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs import blobs, cube, finishing
from jobs.errors import RecipeInvalid
from jobs.finish_steps import FinishStep, Grain, Lut
from jobs.finishing import lut
from jobs.generation.tables import Tables
from jobs.shots import Recipe
from tests.jobs.test_cube import IDENTITY

with warnings.catch_warnings():  # what it misses, scipy and matplotlib, has nothing to do with tables
    warnings.simplefilter("ignore")
    import colour as science

SOURCE = "lut://" + "ab" * 32


def picture(side: int = 17) -> torch.Tensor:
    return torch.rand(3, side, side + 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def written(tmp_path: Path, size: int = 9, low: float = 0.0, high: float = 1.0) -> bytes:
    """A table of a crooked look, as colour-science writes it."""
    table = science.LUT3D.linear_table(size, np.array([[low] * 3, [high] * 3]))
    look = science.LUT3D(table[..., ::-1] ** 1.7 * 0.8 + 0.1, "look", np.array([[low] * 3, [high] * 3]))
    path = tmp_path / "look.cube"
    science.io.write_LUT_IridasCube(look, str(path))
    return path.read_bytes()


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 2.0)])
def test_a_picture_goes_through_a_table_as_colour_science_takes_it(tmp_path: Path, low: float, high: float) -> None:
    data = written(tmp_path, low=low, high=high)
    theirs = science.io.read_LUT_IridasCube(str(tmp_path / "look.cube"))
    image = picture()
    expected = theirs.apply(
        image.permute(1, 2, 0).numpy(), interpolator=science.algebra.table_interpolation_trilinear
    ).clip(0, 1)
    ours = lut.apply(image, lut.Table.of(cube.parse(data, "look.cube")), strength=1.0)
    assert np.abs(ours.permute(1, 2, 0).numpy() - expected).max() < 1e-6  # the file holds seven decimals


def test_strength_goes_from_the_picture_to_the_look(tmp_path: Path) -> None:
    table, image = lut.Table.of(cube.parse(written(tmp_path), "look.cube")), picture()
    whole, half = lut.apply(image, table, 1.0), lut.apply(image, table, 0.5)
    assert torch.equal(lut.apply(image, table, 0.0), image)
    assert torch.allclose(half, (image + whole) / 2, atol=1e-12)


def test_a_table_that_changes_nothing_changes_nothing_even_at_the_corners() -> None:
    table, image = lut.Table.of(cube.parse(IDENTITY, "i.cube")), picture()
    image[:, 0, 0], image[:, 0, 1] = 0.0, 1.0
    assert torch.allclose(lut.apply(image, table, 1.0), image, atol=1e-15)


def test_a_finish_takes_its_steps_in_order_and_alone_as_in_any_batch(tmp_path: Path) -> None:
    tables = {SOURCE: lut.Table.of(cube.parse(written(tmp_path), "look.cube"))}
    steps = [FinishStep(lut=Lut(source=SOURCE, strength=0.7)), FinishStep(grain=Grain(power=0.1))]
    image = picture().float()
    both = finishing.apply(torch.stack([image, image]), [steps, steps[::-1]], [3, 3], tables)
    assert torch.equal(both[0], finishing.apply(image[None], [steps], [3], tables)[0])
    assert not torch.equal(both[0], both[1])


def test_a_step_without_a_table_keeps_the_recipes_name() -> None:
    assert FinishStep(grain=Grain()).model_dump(mode="json").keys() == {"colour", "grain"}
    assert FinishStep(lut=Lut(source=SOURCE)).model_dump(mode="json").keys() == {"colour", "grain", "lut"}


def recipe(source: str) -> Recipe:
    return Recipe(
        base="b", prompt="p", seed=1, width=64, height=64, finish=(FinishStep(lut=Lut(source=source, strength=1.0)),)
    )


def test_tables_are_read_from_the_store_once(store, tmp_path: Path) -> None:
    source = "lut://" + blobs.put(store, written(tmp_path))
    tables = Tables(store)
    tables.fetch(recipe(source))
    first = tables.kept[source]
    tables.fetch(recipe(source))
    assert tables.kept == {source: first}


def test_a_file_of_somebodys_machine_is_refused_with_what_to_do(store) -> None:
    with pytest.raises(RecipeInvalid, match="somebody's machine") as found:
        Tables(store).fetch(recipe("./film.cube"))
    assert "brandfarm apply" in found.value.hint


def test_a_blob_that_is_no_table_is_named(store) -> None:
    digest = blobs.put(store, io.BytesIO(b"no table").getvalue())
    with pytest.raises(RecipeInvalid, match=digest):
        Tables(store).fetch(recipe(f"lut://{digest}"))
