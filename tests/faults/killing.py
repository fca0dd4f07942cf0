"""Trainings on a very small base whose workers are killed at random, and what came of them. Repeatable: a seed decides all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from cluster.folder_store import FolderStore
from jobs import blobs, publish
from jobs.records import TrainRecord
from jobs.spec import Hints, Job, TrainAsk, TrainRecipe
from tests.faults.forks import Forks
from tests.faults.model_check import violations

SMALL_BASE = "b" * 64
STEPS, CHECKPOINT_EVERY = 24, 2
MOST_STARTS = 300

RANDOMLY = ";".join(
    f"{place}=kill%{chance}"
    for place, chance in {
        "train.before-step": 0.12,
        "train.after-step": 0.12,
        "train.before-checkpoint": 0.06,
        "checkpoint.before-pointer": 0.06,
        "train.after-checkpoint": 0.06,
        "blobs.before-put": 0.03,
        "train.before-export": 0.15,
        "train.before-record": 0.15,
        "publish.before-create": 0.15,
        "publish.after-create": 0.15,
        "train.after-record": 0.15,
    }.items()
)
"""About every second worker dies before its next checkpoint, at any place of a training; an export costs most, so few die there."""


@dataclass
class Killing:
    """Trainings in one store, and how many workers have died over them."""

    forks: Forks
    folder: Path
    kills: int = 0

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store")

    def until_done(self, jobs: Sequence[Job], seed: int, plan: str = RANDOMLY, *, in_company: bool = False) -> None:
        """Workers one after another until every training is done; in company, each holds some of them, by chance."""
        chance = random.Random(seed)
        for start in range(1, MOST_STARTS):
            missing = [job for job in jobs if not self.store.exists(job.record_key)]
            if not missing:
                return
            held = chance.sample(missing, chance.randint(1, len(missing))) if in_company else missing
            ended = self.forks.do(
                "be_worker",
                store=str(self.folder / "store"),
                jobs=[job.model_dump(mode="json") for job in held],
                attempt=start,
                reported=str(self.folder / "reported"),
                plan=plan,
                seed=1000 * seed + start,
                base="small",
            )
            assert ended.was_killed or not any(ended.result.values()), ended
            self.kills += ended.was_killed
        raise AssertionError(f"no end after {MOST_STARTS} workers")

    def violations(self, jobs: Sequence[Job]) -> list[str]:
        """What the model check finds."""
        reported = self.folder / "reported"
        return violations(self.store, jobs, set(reported.read_text().split()) if reported.exists() else set())

    def record(self, job: Job) -> TrainRecord:
        body = publish.read(self.store, job.record_key)
        assert body is not None, f"{job.id} has no record"
        return TrainRecord.model_validate(body)

    def adapter(self, job: Job) -> dict[str, np.ndarray]:
        """The trained tensors."""
        return dict(load(blobs.get(self.store, self.record(job).adapter)))


@dataclass
class Resumed:
    """Trainings killed until so many workers have died, beside the same ones left in peace."""

    peaceful: Killing
    killed: Killing
    jobs: list[Job]

    @property
    def others(self) -> list[Job]:
        """The trainings whose file, curve or padded shapes are not the same."""
        return [job for job in self.jobs if not same_bytes(self.peaceful, self.killed, job)]


def resumed(forks: Forks, folder: Path, seed: int, kills: int) -> Resumed:
    """As many trainings, one after another, as it takes for so many kills."""
    found = Resumed(Killing(forks, folder / "peaceful"), Killing(forks, folder / "killed"), [])
    while found.killed.kills < kills:
        found.jobs.append(training(100 * seed + len(found.jobs)))
        found.peaceful.until_done(found.jobs[-1:], 0, plan="")
        found.killed.until_done(found.jobs[-1:], seed=100 * seed + len(found.jobs))
    return found


def training(seed: int) -> Job:
    """A training of that seed, on a dataset of its own."""
    recipe = TrainRecipe(rank=2, alpha=2.0, steps=STEPS, batch=1, warmup_steps=3, caption_dropout=0.2, seed=seed)
    ask = TrainAsk(dataset=chr(ord("a") + seed % 20), base=SMALL_BASE, trigger="zigzag", recipe=recipe)
    return Job(ask=ask, hints=Hints(checkpoint_every=CHECKPOINT_EVERY))


def same_bytes(first: Killing, second: Killing, job: Job) -> bool:
    """Whether two trainings came to the same file, by the same curve, through the same padded shapes."""
    one, other = first.record(job), second.record(job)
    return (one.adapter, one.losses, one.made["shapes"]) == (other.adapter, other.losses, other.made["shapes"])


def difference(first: Killing, second: Killing, job: Job) -> float:
    """The largest difference between two adapters of one training, of the larger one's largest weight."""
    one, other = first.adapter(job), second.adapter(job)
    largest = max(float(np.abs(tensor).max()) for tensor in one.values())
    return max(float(np.abs(one[name] - other[name]).max()) for name in one) / largest
