"""A numerics class names what decides an image's bits beside its recipe."""

from __future__ import annotations

import torch

from jobs.generation import numerics
from tests.jobs.generation.given import tiny


def test_the_class_names_device_build_threads_and_batch() -> None:
    name = numerics.numerics_class(tiny(), 8)
    for part in ("cpu", f"torch-{torch.__version__}", "float32", "threads-1", "batch-8"):
        assert part in name.split("/")


def test_another_batch_or_thread_count_is_another_class() -> None:
    names = {numerics.numerics_class(tiny(), size) for size in (4, 8)}
    torch.set_num_threads(2)
    names.add(numerics.numerics_class(tiny(), 8))
    torch.set_num_threads(1)
    assert len(names) == 3
