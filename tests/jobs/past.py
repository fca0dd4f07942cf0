"""A store with a whole past: a source taken in, a training, its version, and a campaign whose images stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs import blobs, keys, publish
from jobs import plan as planning
from jobs.datasets.intake import dataset_id
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, DatasetRecord, ImageRecord, Picture, VersionRecord
from jobs.shots import AdapterUse, Look, Plan
from jobs.spec import IntakeAsk, Job, TrainAsk, TrainRecipe
from tests import builders
from tests.builders import NOON, digest

BASE = digest("base")


@dataclass(frozen=True)
class Brand:
    """What one brand left: its pictures' pixels, its dataset, its adapter, its version."""

    pixels: tuple[str, ...]
    dataset: str
    adapter: str
    version: VersionRecord


def brand(store: ObjectStore, name: str, uid: str, *pictures: str) -> Brand:
    """A brand of named pictures, trained once."""
    taken = [
        Picture(image=blobs.put(store, word.encode()), pixels=digest(word), width=64, height=64, caption=f"a {word}")
        for word in pictures
    ]
    return _trained(store, f"s3://studio/{name}/", uid, 1, taken)


def retrained(store: ObjectStore, uid: str, *pictures: Picture) -> Brand:
    """The second version of a brand, of other pictures."""
    return _trained(store, "s3://studio/again/", uid, 2, list(pictures))


def _trained(store: ObjectStore, source: str, uid: str, number: int, taken: list[Picture]) -> Brand:
    dataset = dataset_id(taken)
    listed = blobs.put_json(store, [one.model_dump(mode="json") for one in taken])
    keep(store, keys.dataset(dataset), DatasetRecord(id=dataset, pictures=listed, count=len(taken)))
    asked = Job(ask=IntakeAsk(source=source, listing="l", trigger="stblsx"))
    keep(store, keys.intake(asked.id), builders.intake_record(asked, dataset))
    job = Job(ask=TrainAsk(dataset=dataset, base=BASE, trigger="stblsx", recipe=TrainRecipe()))
    trained = builders.train_record(job)
    keep(store, keys.train(job.id), trained)
    version = builders.version_record(number, dataset, uid, asked=job.id)
    keep(store, keys.version(uid, number), version)
    return Brand(tuple(one.pixels for one in taken), dataset, trained.adapter, version)


def campaign(store: ObjectStore, uid: str, *adapters: str, standing: int = 3) -> Plan:
    """A campaign of four shots, one look of some adapters; the first few of its images stand."""
    look = Look(label="look", adapters=tuple(AdapterUse(digest=one, strength=0.5) for one in adapters))
    plan = Plan(base=BASE, looks=(look,), prompts=("a sock",), sizes=((64, 64),), seeds=(1, 2, 3, 4))
    blobs.put(store, planning.plan_json(plan))
    record = CampaignRecord(
        uid=uid, plan=planning.plan_digest(plan), count=4, chunk=16, looks=[{"label": "look"}], created=NOON
    )
    keep(store, keys.campaign(uid), record)
    for shot in plan.shots(0, standing):
        file = blobs.put(store, f"image {shot.recipe.hash}".encode())
        body = ImageRecord(recipe_hash=shot.recipe.hash, recipe=shot.recipe, digest=file, size=9, numerics="cpu/test")
        keep(store, keys.image(shot.recipe.hash), body)
    return plan


def keep(store: ObjectStore, key: str, record: Any) -> None:
    """Keep a record as its writer does."""
    publish.record(store, key, record.model_dump(mode="json", exclude={"writeId"}))
