"""Pictures of a training as it stands, at the prompts and seeds that its hints name. Knows no lease and no schedule."""

from __future__ import annotations

from jobs import blobs
from jobs.adapters.bank import Bank
from jobs.bases.loading import Base
from jobs.finishing import encode
from jobs.finishing.png import encode_png
from jobs.generation import samples
from jobs.ports import ObjectStore
from jobs.records import Sample
from jobs.spec import Job, TrainAsk


def draw(
    store: ObjectStore, base: Base, job: Job, step: int, bank: Bank, slot: int, *, batch_size: int
) -> list[Sample]:
    """Draw every prompt at every seed with the row in that slot, and keep the pictures. Raises StoreUnavailable."""
    assert isinstance(job.ask, TrainAsk), f"only trainings have samples, not {job.kind}"
    hints, side = job.hints.samples, job.ask.recipe.resolution
    pairs = [(prompt, seed) for prompt in hints.prompts for seed in hints.seeds]
    wanted = samples.Wanted(
        [prompt for prompt, _ in pairs],
        [seed for _, seed in pairs],
        hints.sampling,
        side,
        side,
        batch_size=batch_size,
    )
    made = []
    for (prompt, seed), picture in zip(pairs, samples.draw(base, wanted, bank, slot), strict=True):
        png = encode_png(encode.to_bytes_rgb(picture.cpu()), {"parameters": f"{prompt}\nSeed: {seed}"})
        made.append(Sample(step=step, prompt=prompt, seed=seed, image=blobs.put(store, png)))
    return made
