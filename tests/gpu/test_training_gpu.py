"""On an accelerator: fused training is still training alone, and a broken neighbour still changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.jobs.training.alone import trained_alone
from tests.jobs.training.given import dataset, difference, job, run, small_base, store_in, trainer

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _repeatable() -> Iterator[None]:
    """Convolutions whose sums are always taken in the same order and in full precision."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, benchmark=False, allow_tf32=False):
        yield


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_fused_on_the_accelerator_is_alone_on_the_cpu(tmp_path: Path, dtype: torch.dtype, tolerance: float) -> None:
    jobs = [job("a", rank=2, batch=2), job("b", rank=4, alpha=2.0, batch=2, targets="conv"), job("c", rank=3, batch=2)]
    one = trainer(store_in(tmp_path), small_base(dtype, "cuda"))
    for seed, asked in enumerate(jobs):
        one.admit(asked, 1, dataset(seed))
    starts = [{name: tensor.cpu().double() for name, tensor in one.state(asked.id).items()} for asked in jobs]
    run(one, 20)
    for seed, asked in enumerate(jobs):
        alone = trained_alone(starts[seed], one.project(asked.id).recipe, dataset(seed), 20)
        assert difference(starts[seed], alone) > 1e-2
        assert difference(one.state(asked.id), alone) < tolerance


def test_a_neighbour_that_diverges_changes_the_others_by_exactly_nothing(tmp_path: Path) -> None:
    states = []
    for spoiled in (False, True):
        one = trainer(store_in(tmp_path / str(spoiled)), small_base(torch.float32, "cuda"))
        for seed, name in enumerate("abc"):
            one.admit(job(name), 1, dataset(seed, spoiled=spoiled and seed == 1))
        run(one, 10)
        states.append(one.state(job("a").id))
    assert difference(*states) == 0


def test_killed_and_resumed_in_the_same_shapes_is_the_same_to_the_bit(tmp_path: Path) -> None:
    jobs = [job(name, steps=12, batch=2) for name in "ab"]
    unharmed = trainer(store_in(tmp_path / "unharmed"), small_base(torch.float32, "cuda"))
    killed, again = (trainer(store_in(tmp_path), small_base(torch.float32, "cuda")) for _ in range(2))
    for one in (unharmed, killed):
        for seed, asked in enumerate(jobs):
            one.admit(asked, 1, dataset(seed))
    run(unharmed, 12)
    run(killed, 5)
    for asked in jobs:
        killed.checkpoint(asked.id)
    for seed, asked in enumerate(jobs):
        assert again.admit(asked, 2, dataset(seed)).step == 5
    run(again, 7)
    assert [difference(again.state(asked.id), unharmed.state(asked.id)) for asked in jobs] == [0, 0]
