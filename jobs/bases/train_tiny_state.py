"""What a training of the tiny base carries from one start to the next: weights, averages, moments, step.

One safetensors file, replaced in one move. It refuses to know what is trained.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

SAVE_EVERY_SECONDS: Final = 120.0
TRIAL_STEPS: Final = 4  # steps timed at one and at two threads, of every TRIAL_PERIOD
TRIAL_PERIOD: Final = 200


@dataclass
class State:
    """The moving parts of one training; `averages` are the running means of `parameters`, or empty."""

    parameters: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    averages: list[torch.Tensor] = field(default_factory=list)
    peak_rate: float = 1.0
    step: int = 0
    seconds: float = 0.0
    plan: list[list[int]] = field(default_factory=list)  # [from step, steps in all], one for each change

    def begin(self, file: Path, steps: int) -> None:
        """Go on from a saved state, if there is one, and note how many steps are planned from here."""
        if file.exists():
            self._load(file)
        if not self.plan or self.plan[-1][1] != steps:
            self.plan.append([self.step, steps])

    def save(self, file: Path) -> None:
        """Write the state beside `file` and move it there, so that a cut leaves the older one."""
        tensors = {f"weight.{i}": p.detach() for i, p in enumerate(self.parameters)}
        tensors |= {f"average.{i}": a for i, a in enumerate(self.averages)}
        for i, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{name}": value for name, value in moments.items()}
        unfinished = file.with_suffix(".part")
        kept = {name: t.contiguous() for name, t in tensors.items()}
        notes = {"step": self.step, "seconds": self.seconds, "plan": self.plan}
        save_file(kept, unfinished, {name: json.dumps(value) for name, value in notes.items()})
        os.replace(unfinished, file)

    def _load(self, file: Path) -> None:
        notes = read_notes(file)
        self.step, self.seconds, self.plan = notes["step"], notes["seconds"], notes["plan"]
        tensors = load_file(file)
        with torch.no_grad():
            _copy(tensors, "weight", self.parameters)
            _copy(tensors, "average", self.averages)
        moments: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, number, key = name.split(".")
                moments.setdefault(int(number), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})

    def average(self, keep: float) -> None:
        """Move the running means towards the weights; early steps count more than `keep` says."""
        keep_now = min(keep, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, [p.data for p in self.parameters], 1 - keep_now)

    def swap_averages(self) -> None:
        """Exchange weights and running means; a second call brings them back."""
        for parameter, average in zip(self.parameters, self.averages, strict=True):
            parameter.data, average.data = average.data, parameter.data


@dataclass
class Clock:
    """Paces a training on a shared machine: when to save, and how many threads are the faster now."""

    last_save: float = field(default_factory=time.monotonic)
    timed: dict[int, list[float]] = field(default_factory=dict)
    threads: int = 1

    def saving_is_due(self) -> bool:
        """Whether SAVE_EVERY_SECONDS have passed since the last time this said yes."""
        now = time.monotonic()
        if now - self.last_save < SAVE_EVERY_SECONDS:
            return False
        self.last_save = now
        return True

    def before_step(self, step: int) -> None:
        """Set the threads of this step: two trials in every period, then the faster of both."""
        phase = step % TRIAL_PERIOD
        if phase == 0:
            self.timed = {1: [], 2: []}
        wanted = 1 if phase < TRIAL_STEPS else 2 if phase < 2 * TRIAL_STEPS else self.threads
        torch.set_num_threads(wanted)

    def after_step(self, step: int, seconds: float) -> None:
        """Note how long the step took and, at the end of a trial, choose."""
        phase = step % TRIAL_PERIOD
        if phase < 2 * TRIAL_STEPS and self.timed:
            self.timed[1 if phase < TRIAL_STEPS else 2].append(seconds)
        if phase == 2 * TRIAL_STEPS - 1 and all(self.timed.values()):
            self.threads = min(self.timed, key=lambda n: sorted(self.timed[n])[len(self.timed[n]) // 2])


def read_notes(file: Path) -> dict[str, Any]:
    """The step, the seconds trained and the plan of a saved state."""
    with safe_open(file, "pt") as saved:
        return {name: json.loads(value) for name, value in saved.metadata().items()}


def generator(seed: int, stage: int, step: int) -> torch.Generator:
    """The randomness of one step, a pure function of its place, so that a resumed training draws the same."""
    return torch.Generator().manual_seed((seed * 8 + stage) * 1_000_003 + step)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _copy(tensors: dict[str, torch.Tensor], kind: str, targets: Iterable[torch.Tensor]) -> None:
    for number, target in enumerate(targets):
        target.copy_(tensors[f"{kind}.{number}"])
