"""Fused training against switching adapters on one resident base: seconds a round, side by side in one run.

`python -m tests.bench.fused`. A round is one training step for each of K projects. Switching means PEFT's `set_adapter`,
then an ordinary step of that project alone, as a server that shares a base would do. Both train the tiny base at rank 16
on the same samples; on the CPU the time is CPU seconds of one thread. Takes under 90 seconds on an idle core.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from cluster.folder_store import FolderStore
from jobs.adapters.targets import lora_config
from jobs.bases import catalogue, loading
from jobs.bases.loading import Base
from jobs.spec import Job, TrainAsk, TrainRecipe
from jobs.training import fused, optimizer
from jobs.training.loss import NoiseSchedule
from jobs.training.prepared import PreparedDataset
from jobs.training.project import Project
from jobs.training.trainer import Trainer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
COMPANIES = (1, 2, 4, 8)
BATCHES = (1, 4)
ROUNDS = 4  # timed; the quickest counts, since whatever else runs only ever adds time
PICTURES = 8

Round = Callable[[], object]


class WallClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> float:
        return time.time()


@dataclass(frozen=True)
class Line:
    """K projects at one batch size: seconds a round fused and switching, and how many times faster fused is."""

    projects: int
    batch: int
    fused_seconds: float
    switching_seconds: float

    @property
    def ratio(self) -> float:
        return self.switching_seconds / self.fused_seconds


def measure() -> Iterator[Line]:
    """Every number of projects at every batch size."""
    if DEVICE == "cpu":
        torch.set_num_threads(1)
    for batch in BATCHES:
        for projects in COMPANIES:
            yield _compared(projects, batch)


def _compared(projects: int, batch: int) -> Line:
    jobs = [_job(number, batch) for number in range(projects)]
    with tempfile.TemporaryDirectory() as folder:
        together, apart = _fused(jobs, Path(folder)), _switching(jobs)
        times = [(_seconds(together), _seconds(apart)) for _ in range(ROUNDS + 1)]
    quickest = [min(column) for column in zip(*times[1:], strict=True)]  # the first round warms up
    return Line(projects, batch, *quickest)


def _fused(jobs: list[Job], folder: Path) -> Round:
    trainer = Trainer(_base(), FolderStore(folder), len(jobs), WallClock())
    for number, job in enumerate(jobs):
        trainer.admit(job, 1, _dataset(number))
    return trainer.step


def _switching(jobs: list[Job]) -> Round:
    base = replace(_base(), unet=deepcopy(_base().unet))
    schedule = NoiseSchedule.of(base.scheduler_config)
    projects = [Project(job, 1, slot, _dataset(slot).to(base.device, base.dtype)) for slot, job in enumerate(jobs)]
    steppers = [_stepper(base, schedule, project) for project in projects]
    return lambda: [step() for step in steppers]


def _stepper(base: Base, schedule: NoiseSchedule, project: Project) -> Round:
    name, recipe = f"project_{project.slot}", project.recipe
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several adapters are the point
        base.unet.add_adapter(lora_config(recipe.targets, recipe.rank, recipe.alpha), adapter_name=name)
    own = [parameter for key, parameter in base.unet.named_parameters() if f".{name}." in key]
    adamw = torch.optim.AdamW(own, lr=recipe.learning_rate, betas=optimizer.BETAS, weight_decay=recipe.weight_decay)

    def step() -> None:
        base.unet.set_adapter(name)
        batch = fused.assemble([project], 1, schedule)
        predicted = base.unet(batch.noisy, batch.timesteps, encoder_hidden_states=batch.told.hidden, return_dict=False)[
            0
        ]
        loss = batch.losses(predicted).sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own, recipe.gradient_clip)
        adamw.step()
        adamw.zero_grad(set_to_none=True)
        project.losses.append(loss.item())
        project.step += 1

    return step


@cache
def _base() -> Base:
    return loading.load(catalogue.by_name("tiny"), DEVICE)


def _job(number: int, batch: int) -> Job:
    recipe = TrainRecipe(batch=batch, prior=0.0)
    return Job(ask=TrainAsk(dataset=f"{number}", base=_base().digest, trigger="stblsx", recipe=recipe))


def _dataset(seed: int) -> PreparedDataset:
    chance = torch.Generator().manual_seed(seed)
    config = _base().unet.config
    latent, text = (config.in_channels, config.sample_size, config.sample_size), (24, config.cross_attention_dim)
    return PreparedDataset(
        mean=torch.randn(PICTURES, *latent, generator=chance),
        std=torch.full((PICTURES, *latent), 0.05),
        captions=torch.randn(PICTURES, *text, generator=chance),
        caption_of=torch.arange(PICTURES),
        empty=torch.randn(*text, generator=chance),
        prior_latents=torch.zeros(0, *latent),
        prior_hidden=torch.zeros(0, *text),
        captions_pooled=torch.zeros(PICTURES, 0),
        empty_pooled=torch.zeros(0),
        prior_pooled=torch.zeros(0, 0),
        frames=torch.zeros(PICTURES, 6, dtype=torch.int64),
        prior_frames=torch.zeros(0, 6, dtype=torch.int64),
    )


def _seconds(one_round: Round) -> float:
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    clock = time.perf_counter if DEVICE == "cuda" else time.process_time
    began = clock()
    one_round()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return clock() - began


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    where = "one thread, CPU seconds" if DEVICE == "cpu" else "seconds on an accelerator"
    head = f"One step of each of K trainings of the tiny base, rank {TrainRecipe().rank}, {where}."
    rows = [
        f"| {line.projects} | {line.batch} | {line.fused_seconds:.3f} | {line.switching_seconds:.3f} | {line.ratio:.2f} |"
        for line in lines
    ]
    return "\n".join([head, "", "| K | batch of each | fused | switching | ratio |", "|---|---|---|---|---|", *rows])


def main() -> None:
    """Measure and print."""
    print(table(list(measure())))


if __name__ == "__main__":
    main()
