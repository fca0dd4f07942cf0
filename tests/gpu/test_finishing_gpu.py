"""The grain's field and the finished bytes are the same on a CUDA device as on the CPU."""

from __future__ import annotations

import pytest
import torch

from jobs import finishing
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.finishing import grain
from jobs.finishing.encode import to_bytes_rgb

pytestmark = pytest.mark.gpu

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("seed", [0, 2026, 2**64 - 1])
def test_the_white_field_is_bit_equal(seed: int) -> None:
    on_cpu = grain.white_field(seed, 2, 129, 257, CPU)
    assert torch.equal(on_cpu, grain.white_field(seed, 2, 129, 257, CUDA).cpu())


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.7])
@pytest.mark.parametrize("saturation", [0.0, 0.6, 1.0])
def test_the_coloured_field_is_bit_equal_at_any_scale(scale: float, saturation: float) -> None:
    step = Grain(scale=scale, saturation=saturation)
    on_cpu = grain.coloured_field(step, 7, 0, 96, 131, CPU)
    assert torch.equal(on_cpu, grain.coloured_field(step, 7, 0, 96, 131, CUDA).cpu())


def test_finished_bytes_are_the_same() -> None:
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    steps = [FinishStep(colour=Colour(contrast=-20, saturation=-10, gamma=1.2)), FinishStep(grain=Grain())]
    on_cpu = finishing.apply(images, [steps] * 4, range(4))
    on_cuda = finishing.apply(images.to(CUDA), [steps] * 4, range(4))
    for one, other in zip(on_cpu, on_cuda, strict=True):
        assert (to_bytes_rgb(one) == to_bytes_rgb(other)).all()
