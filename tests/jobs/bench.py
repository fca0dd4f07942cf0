"""What the tests of the real workbench are given: a dataset of eight drawn pictures, small jobs of each kind, a clock."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from jobs import blobs, publish
from jobs.bases import catalogue, drawing
from jobs.datasets.intake import dataset_id
from jobs.identity import digest_of
from jobs.ports import ObjectStore, SourceFile
from jobs.records import DatasetRecord, Picture
from jobs.shots import AdapterUse, Look, Plan, Sampling
from jobs.spec import GenerateAsk, Hints, IntakeAsk, Job, Placement, TrainAsk, TrainRecipe

TRIGGER = "zigzag"
PICTURES = 8
SIDE = 32
BASE = catalogue.by_name("tiny").digest


def drawn(number: int) -> bytes:
    """One of many pictures, as a PNG."""
    out = io.BytesIO()
    drawing.draw(drawing.random_picture(np.random.default_rng(number))).save(out, "PNG")
    return out.getvalue()


def files(pictures: int = PICTURES) -> dict[str, bytes]:
    """A brand's folder: pictures with captions beside them."""
    return {
        name: data
        for number in range(pictures)
        for name, data in (
            (f"{number:02d}.png", drawn(number)),
            (f"{number:02d}.txt", f"a photo of a {TRIGGER} sock number {number % 3}".encode()),
        )
    }


class MemorySource:
    """A Source whose files are in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def list(self) -> list[SourceFile]:
        return [SourceFile(name, len(data), digest_of(data)) for name, data in sorted(self._files.items())]

    def read(self, name: str) -> bytes:
        return self._files[name]


def put_dataset(store: ObjectStore, pictures: int = PICTURES) -> str:
    """The id of a recorded dataset of drawn pictures."""
    taken = []
    for number in range(pictures):
        png = drawn(number)
        caption = f"a photo of a {TRIGGER} sock number {number % 3}"
        taken.append(Picture(image=blobs.put(store, png), pixels=digest_of(png), width=64, height=64, caption=caption))
    identity = dataset_id(taken)
    listed = blobs.put_json(store, [one.model_dump(mode="json") for one in taken])
    record = DatasetRecord(id=identity, pictures=listed, count=len(taken))
    publish.record(store, f"record/dataset/{identity}", record.model_dump(exclude={"writeId"}), blobs=[listed])
    return identity


def training(dataset: str, number: int = 1, *, side: int = SIDE, checkpoint_every: int = 2, **recipe: Any) -> Job:
    """A training of a few steps without prior pictures; the number is its seed."""
    small = {"rank": 2, "alpha": 2.0, "steps": 4, "batch": 1, "warmup_steps": 1, "prior": 0.0, "resolution": side}
    ask = TrainAsk(
        dataset=dataset,
        base=BASE,
        trigger=TRIGGER,
        recipe=TrainRecipe.model_validate({**small, **recipe, "seed": number}),
    )
    return Job(ask=ask, placement=Placement(base=BASE), hints=Hints(checkpoint_every=checkpoint_every))


def put_plan(store: ObjectStore, number: int = 1, *adapters: AdapterUse, shots: int = 8) -> str:
    """The digest of a plan of small pictures, three steps each, kept in the store."""
    plan = Plan(
        base=BASE,
        looks=(Look(label="v1" if adapters else "base", adapters=adapters, trigger=TRIGGER, class_name="sock"),),
        prompts=("a photo of a {trigger} {class} on the beach",),
        sizes=((SIDE, SIDE),),
        seeds=tuple(range(number * 1000, number * 1000 + shots)),
        sampling=Sampling(name="ddim", steps=3, guidance=3.0),
    )
    return blobs.put_json(store, plan.model_dump(mode="json"))


def chunk(plan: str, start: int = 0, stop: int = 8) -> Job:
    """The shots [start, stop) of a plan."""
    return Job(ask=GenerateAsk(plan=plan, start=start, stop=stop), placement=Placement(base=BASE))


def intake(source: str, listing: str = "l") -> Job:
    """A source taken in."""
    return Job(ask=IntakeAsk(source=source, listing=listing, trigger=TRIGGER))
