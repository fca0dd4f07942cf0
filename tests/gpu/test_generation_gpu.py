"""On an accelerator: mixed batches keep an image's bits there too, and its picture close to the CPU's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.bases import catalogue, loading
from jobs.finishing import encode
from jobs.generation import numerics
from jobs.generation.renderer import Renderer
from jobs.shots import AdapterUse, Recipe
from tests.jobs.generation.given import PROMPTS, kept_adapter, recipe, store_in, tiny

pytestmark = pytest.mark.gpu
BATCH = 8


@pytest.fixture
def on_gpu(tmp_path: Path) -> Iterator[Renderer]:
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    base = loading.load(catalogue.by_name("tiny"), device="cuda")
    renderer = Renderer(base, store_in(tmp_path), BATCH, slots=BATCH)
    yield renderer
    renderer.close()


def shots(tmp_path: Path) -> list[Recipe]:
    store = store_in(tmp_path)
    digests = [kept_adapter(store, seed) for seed in range(3)]
    return [
        recipe(
            seed,
            *[AdapterUse(digest=digests[seed % 3], strength=0.7)] * (seed % 4 > 0),
            prompt=PROMPTS[seed % 3],
            side=64,
        )
        for seed in range(BATCH)
    ]


def test_an_image_has_the_same_bits_alone_and_reversed(tmp_path: Path, on_gpu: Renderer) -> None:
    asked = shots(tmp_path)
    for one in asked:
        on_gpu.prepare(one, asked)
    forwards = on_gpu.draw(asked)
    backwards = on_gpu.draw(asked[::-1]).flip(0)
    assert torch.equal(forwards, backwards)
    assert np.array_equal(on_gpu.render(asked[5]), encode.to_bytes_rgb(forwards[5]))


def test_an_image_is_close_to_what_the_cpu_draws(tmp_path: Path, on_gpu: Renderer) -> None:
    asked = shots(tmp_path)[1]
    on_cpu = Renderer(tiny(), store_in(tmp_path), BATCH, slots=1)
    difference = np.abs(on_gpu.render(asked).astype(int) - on_cpu.render(asked).astype(int))
    on_cpu.close()
    assert difference.max() <= 2
    assert numerics.numerics_class(on_gpu.base, BATCH) != numerics.numerics_class(tiny(), BATCH)
