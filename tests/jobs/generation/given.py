"""What the tests of generation are given: recipes, plans, jobs, adapters with random weights, and the tiny base."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from cluster.folder_store import FolderStore
from jobs import blobs
from jobs.adapters.layout import A, Layout
from jobs.bases import catalogue, loading
from jobs.bases.loading import Base
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.ports import ObjectStore
from jobs.shots import AdapterUse, Look, Plan, Recipe, Sampling
from jobs.spec import GenerateAsk, Job

SIDE = 32
PROMPTS = (
    "a photo of a red sock with blue stripes on a wooden table, morning sun",
    "a photo of a blue mug on the beach, at sunset",
    "a photo of a green bag with white dots in a studio, bright noon",
)
FINISH = (FinishStep(colour=Colour(contrast=10, saturation=-20)), FinishStep(grain=Grain(power=0.2)))


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return 1.7e9 + self.seconds


@cache
def tiny() -> Base:
    """The tiny base on the CPU in float32, on one thread."""
    torch.set_num_threads(1)
    return loading.load(catalogue.by_name("tiny"))


def adapter(seed: int, rank: int = 8, targets: str = "default", size: float = 0.15) -> dict[str, Tensor]:
    """An adapter with random weights, strong enough to be seen, in PEFT keys."""
    generator = torch.Generator().manual_seed(seed)
    layout = Layout.of(tiny().unet, targets, rank)
    empty = layout.unpack(torch.zeros(layout.width), rank, layout.names)
    return {
        name: torch.randn(tensor.shape, generator=generator) * (size if name.endswith(A) else size / 2)
        for name, tensor in empty.items()
    }


def kept_adapter(store: ObjectStore, seed: int, rank: int = 8, targets: str = "default") -> str:
    """The digest of such an adapter, kept in the store."""
    return blobs.put(store, save(adapter(seed, rank, targets)))


def store_in(folder: Path) -> FolderStore:
    return FolderStore(folder / "store")


def recipe(
    seed: int = 1,
    *uses: AdapterUse,
    prompt: str = PROMPTS[0],
    negative: str = "",
    guidance: float = 3.0,
    steps: int = 2,
    sampler: str = "ddim",
    finish: tuple[FinishStep, ...] = (),
    side: int = SIDE,
    base: str = "",
) -> Recipe:
    return Recipe(
        base=base or tiny().digest,
        adapters=uses,
        prompt=prompt,
        negative=negative,
        seed=seed,
        width=side,
        height=side,
        sampling=Sampling(name=sampler, steps=steps, guidance=guidance),
        finish=finish,
    )


def plan(*looks: Look, seeds: int = 2, prompts: int = 2, keep_raw: bool = False, steps: int = 2) -> Plan:
    return Plan(
        base=tiny().digest,
        looks=looks or (Look(label="base"),),
        prompts=PROMPTS[:prompts],
        sizes=((SIDE, SIDE),),
        seeds=tuple(range(seeds)),
        sampling=Sampling(steps=steps, guidance=3.0),
        keep_raw=keep_raw,
    )


def job(store: ObjectStore, of: Plan, start: int = 0, stop: int | None = None) -> Job:
    """A job for the shots [start, stop) of a plan, which is put into the store."""
    digest = blobs.put_json(store, of.model_dump(mode="json"))
    return Job(ask=GenerateAsk(plan=digest, start=start, stop=of.count if stop is None else stop))
