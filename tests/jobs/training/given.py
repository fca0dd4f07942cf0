"""Trainings to test with: a very small base, random prepared datasets, a trainer on a store in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cluster.folder_store import FolderStore
from jobs.bases.loading import Base
from jobs.ports import ObjectStore
from jobs.spec import Hints, Job, Samples, TrainAsk, TrainRecipe
from jobs.training.prepared import PreparedDataset
from jobs.training.trainer import StepReport, Trainer
from tests.jobs.adapters.small_unet import CHANNELS, LENGTH, SIZE, WIDTH, small_unet

BASE = "b" * 64
SCHEDULER = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


class HandClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> float:
        return self.seconds


def small_base(dtype: torch.dtype = torch.float64, device: str = "cpu", **scheduler: Any) -> Base:
    """A base with a UNet and noise settings only, which is all that training touches."""
    return Base(
        digest=BASE,
        family="sd15",
        unet=small_unet(dtype).to(device),
        vae=None,
        text_encoder=None,
        tokenizer=None,
        scheduler_config={**SCHEDULER, **scheduler},
        device=torch.device(device),
        dtype=dtype,
    )


def recipe(**settings: Any) -> TrainRecipe:
    """A small recipe; what is named overrides it."""
    small: dict[str, Any] = {
        "rank": 2,
        "alpha": 2.0,
        "steps": 30,
        "batch": 1,
        "warmup_steps": 5,
        "caption_dropout": 0.2,
    }
    return TrainRecipe(**{**small, **settings})


def job(name: str = "a", samples: Samples | None = None, checkpoint_every: int = 10, **settings: Any) -> Job:
    """A training of the dataset of that name."""
    ask = TrainAsk(dataset=name, base=BASE, trigger="stblsx", recipe=recipe(**settings))
    return Job(ask=ask, hints=Hints(samples=samples or Samples(), checkpoint_every=checkpoint_every))


def dataset(
    seed: int = 0, pictures: int = 5, priors: int = 3, size: int = SIZE, spoiled: bool = False
) -> PreparedDataset:
    """A random prepared dataset; spoiled: its pictures are not numbers."""
    chance = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=chance, dtype=torch.float64)

    mean = random(pictures, CHANNELS, size, size)
    return PreparedDataset(
        mean=mean * float("nan") if spoiled else mean,
        std=random(pictures, CHANNELS, size, size).abs() * 0.1,
        captions=random(3, LENGTH, WIDTH),
        caption_of=torch.arange(pictures) % 3,
        empty=random(LENGTH, WIDTH),
        prior_latents=random(priors, CHANNELS, size, size),
        prior_hidden=random(priors, LENGTH, WIDTH),
        captions_pooled=torch.zeros(3, 0),
        empty_pooled=torch.zeros(0),
        prior_pooled=torch.zeros(priors, 0),
        frames=torch.zeros(pictures, 6, dtype=torch.int64),
        prior_frames=torch.zeros(priors, 6, dtype=torch.int64),
    )


def trainer(store: ObjectStore, base: Base | None = None, slots: int = 8) -> Trainer:
    return Trainer(base or small_base(), store, slots, HandClock())


def store_in(folder: Path) -> FolderStore:
    return FolderStore(folder)


def run(one: Trainer, steps: int) -> list[list[StepReport]]:
    """That many fused steps; what each reported."""
    return [one.step() for _ in range(steps)]


def difference(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    """The largest difference between two adapters."""
    assert first.keys() == second.keys()
    return max(float((first[name].cpu() - second[name].cpu()).abs().max()) for name in first)
