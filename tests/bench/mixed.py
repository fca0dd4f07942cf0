"""Mixed batches against the usual ways to serve many adapters: images per CPU second, side by side in one run.

`python -m tests.bench.mixed`. Every way runs the same denoising loop and VAE on the tiny base, on one thread; they
differ only in how adapters reach the UNet and in what may share a batch. Takes under 90 seconds on an idle core.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from cluster.folder_store import FolderStore
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.generation import noise
from jobs.generation.denoise import Batch, denoise
from jobs.generation.prompts import Prompts
from jobs.generation.renderer import Renderer
from jobs.shots import AdapterUse, Recipe
from tests.jobs.generation.given import PROMPTS, adapter, kept_adapter, recipe, tiny

BATCH = 8
SHOTS = 24
STEPS = 2
SIDE = 64
RANK = 8

Way = Callable[[Sequence[Recipe]], None]


@dataclass(frozen=True)
class Line:
    """One way with one number of adapters: images per CPU second, and how many times as many as `set_adapter` alone."""

    way: str
    adapters: int
    images_per_cpu_second: float
    ratio: float


def measure() -> Iterator[Line]:
    """All ways with few adapters (long runs of one) and with as many as shots (a contact sheet of brands)."""
    torch.set_num_threads(1)
    for adapters in (SHOTS // BATCH, SHOTS):
        yield from _compared(adapters)


def _compared(adapters: int) -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        digests = {kept_adapter(store, seed, RANK): seed for seed in range(adapters)}
        shots = _shots(list(digests))
        renderer = Renderer(tiny(), store, BATCH, slots=adapters)
        seconds = {name: _cpu_seconds(way, shots) for name, way in _ways(renderer, digests).items()}
        renderer.close()
    reference = seconds["one by one, set_adapter"]
    for name, spent in seconds.items():
        yield Line(name, adapters, SHOTS / spent, reference / spent)


def _shots(digests: list[str]) -> list[Recipe]:
    """The frozen order of a campaign: one look after the other."""
    each = SHOTS // len(digests)
    uses = [AdapterUse(digest=digest) for digest in digests for _ in range(each)]
    return [
        recipe(seed, use, prompt=PROMPTS[seed % len(PROMPTS)], steps=STEPS, side=SIDE) for seed, use in enumerate(uses)
    ]


def _ways(renderer: Renderer, digests: dict[str, int]) -> dict[str, Way]:
    tensors = {digest: adapter(seed, RANK) for digest, seed in digests.items()}
    bare = replace(tiny(), unet=deepcopy(tiny().unet))
    resident = replace(tiny(), unet=deepcopy(tiny().unet))
    for digest in digests:
        _load(resident, digest, tensors[digest])
    loading = replace(tiny(), unet=deepcopy(tiny().unet))
    prompts = Prompts(tiny())

    def load_each(shots: Sequence[Recipe]) -> None:
        for shot in shots:
            (use,) = shot.adapters
            _load(loading, use.digest, tensors[use.digest])
            _draw(loading, prompts, [shot])
            loading.unet.delete_adapters(_name(use.digest))

    def set_each(shots: Sequence[Recipe]) -> None:
        for shot in shots:
            resident.unet.set_adapter(_name(shot.adapters[0].digest))
            _draw(resident, prompts, [shot])

    def grouped(shots: Sequence[Recipe]) -> None:
        for uses, group in groupby(shots, key=lambda shot: shot.adapters):
            resident.unet.set_adapter(_name(uses[0].digest))
            for batch in _batches(list(group)):
                _draw(resident, prompts, batch)

    def mixed(shots: Sequence[Recipe]) -> None:
        for batch in _batches(shots):
            for shot in batch:
                renderer.prepare(shot, batch)
            renderer.draw(batch)

    def none(shots: Sequence[Recipe]) -> None:
        for batch in _batches(shots):
            _draw(bare, prompts, batch)

    return {
        "one by one, loaded each time": load_each,
        "one by one, set_adapter": set_each,
        "grouped by adapter": grouped,
        "mixed rows": mixed,
        "no adapter at all": none,
    }


def _load(base: Base, digest: str, tensors: dict[str, Tensor]) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # several adapters are the point
        base.unet.load_lora_adapter(dict(tensors), adapter_name=_name(digest), prefix="unet")


def _name(digest: str) -> str:
    return f"adapter_{digest[:8]}"


def _batches(shots: Sequence[Recipe]) -> list[Sequence[Recipe]]:
    return [shots[start : start + BATCH] for start in range(0, len(shots), BATCH)]


@torch.no_grad()
def _draw(base: Base, prompts: Prompts, shots: Sequence[Recipe]) -> None:
    batch = Batch(
        prompts=[prompts.condition(shot.prompt) for shot in shots],
        negatives=[prompts.condition(shot.negative) for shot in shots],
        noise=noise.batch(base, [shot.seed for shot in shots], SIDE, SIDE),
        guidance=[shot.sampling.guidance for shot in shots],
    )
    conditioning.decode_latents(base, denoise(base, batch, shots[0].sampling))


def _cpu_seconds(way: Way, shots: Sequence[Recipe]) -> float:
    way(shots[:BATCH])  # to warm up
    started = time.process_time()
    way(shots)
    return time.process_time() - started


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = f"{SHOTS} images of {SIDE} x {SIDE} pixels, {STEPS} steps, adapters of rank {RANK}, batches of {BATCH}, one thread."
    rows = [f"| {line.adapters} | {line.way} | {line.images_per_cpu_second:.2f} | {line.ratio:.2f} |" for line in lines]
    return "\n".join([head, "", "| adapters | way | images per CPU second | ratio |", "|---|---|---|---|", *rows])


def main() -> None:
    """Measure and print."""
    print(table(list(measure())))


if __name__ == "__main__":
    main()
