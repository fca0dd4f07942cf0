"""A store as a farm leaves it, small and whole: brands with pictures, trainings, sheets and campaigns, written as the farm does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs import blobs, keys, plan
from jobs.identity import content_id, digest_of
from jobs.ports import ObjectStore
from jobs.records import (
    CampaignRecord,
    ChunkRecord,
    DatasetRecord,
    ImageRecord,
    IntakeRecord,
    Picture,
    Sample,
    TrainRecord,
    VersionRecord,
)
from jobs.shots import AdapterUse, Look, Plan
from jobs.spec import GenerateAsk, TrainAsk, TrainRecipe, asked_id
from tests import builders

BASE = builders.digest("base")


@dataclass(frozen=True)
class Brand:
    """What a brand left: its uid, its training's id, its adapter."""

    uid: str
    asked: str
    adapter: str
    upload: str


def brand(
    store: ObjectStore, name: str, *, pictures: Sequence[str] = (), trained: bool = True, sheet: bool = True
) -> Brand:
    """A brand with one version, of pictures whose words are their bytes; by default those are its own."""
    words = pictures or [f"{name} {number}" for number in range(3)]
    upload = _upload(store, words)
    dataset = _dataset(store, words, upload)
    ask = TrainAsk(dataset=dataset, base=BASE, trigger="stblsx", recipe=TrainRecipe(seed=len(name)))
    asked = asked_id(ask)
    version = VersionRecord(
        project_uid=f"uid-{name}", number=1, declaration=builders.digest(name), dataset=dataset, base=BASE,
        trigger="stblsx", class_name="sock", recipe=ask.recipe, asked=asked, created=builders.NOON,
    )  # fmt: skip
    _record(store, keys.version(version.project_uid, 1), version)
    checkpoint(store, asked, 50)
    store.put(keys.log(asked, 1, 0), b'{"event": "began"}\n')
    adapter = _trained(store, ask, asked, name) if trained else ""
    if trained and sheet:
        look = Look(label=f"{name} v1", project=f"default/{name}", version="v1", adapters=(AdapterUse(digest=adapter),))
        drawn(store, Plan(base=BASE, looks=(look,), prompts=("a sheet",), sizes=((64, 64),), seeds=(7, 8)))
    return Brand(version.project_uid, asked, adapter, upload)


def manifest(of: Brand, name: str) -> dict[str, Any]:
    """The brand's manifest, as it is kept."""
    return builders.kept(builders.project(name, dataset={"source": f"upload://{of.upload}"}), uid=of.uid)


def checkpoint(store: ObjectStore, asked: str, step: int) -> str:
    """A pointer to a state; the pointer's key."""
    state = blobs.put(store, f"state of {asked} at {step}".encode())
    body = {"ask": {"base": BASE}, "step": step, "state": state, "samples": blobs.put_json(store, [])}
    store.create(keys.checkpoint(asked, step, 1), plan.canonical(body))
    return keys.checkpoint(asked, step, 1)


def campaign(store: ObjectStore, uid: str, adapter: str, *, seeds: Sequence[int] = (1, 2, 3)) -> Plan:
    """A campaign of one adapter, every shot of it drawn."""
    chosen = Plan(
        base=BASE, looks=(Look(label="it", adapters=(AdapterUse(digest=adapter),)),), prompts=("a photo",),
        sizes=((64, 64),), seeds=tuple(seeds),
    )  # fmt: skip
    drawn(store, chosen)
    digest = blobs.put(store, plan.plan_json(chosen))
    record = CampaignRecord(uid=uid, plan=digest, count=chosen.count, chunk=16, looks=[], created=builders.NOON)
    _record(store, keys.campaign(uid), record)
    return chosen


def drawn(store: ObjectStore, chosen: Plan) -> None:
    """A plan, its one chunk, and all its images."""
    digest = blobs.put(store, plan.plan_json(chosen))
    for shot in chosen.shots():
        file = f"image of {shot.recipe.hash}".encode()
        image = ImageRecord(
            recipe_hash=shot.recipe.hash,
            recipe=shot.recipe,
            digest=blobs.put(store, file),
            size=len(file),
            numerics="cpu",
        )
        _record(store, keys.image(shot.recipe.hash), image)
    ask = GenerateAsk(plan=digest, start=0, stop=chosen.count)
    chunk = ChunkRecord(id=asked_id(ask), plan=digest, start=0, stop=chosen.count, drawn=chosen.count, reused=0)
    _record(store, keys.chunk(asked_id(ask)), chunk)


def deleted(store: ObjectStore, uid: str, kind: str = "BrandProject") -> None:
    """The controller's word that a manifest is gone."""
    body = {"uid": uid, "kind": kind, "namespace": "default", "name": uid.removeprefix("uid-"), "deleted": 1.0}
    store.create(keys.deleted(uid), plan.canonical(body))


def _upload(store: ObjectStore, words: Sequence[str]) -> str:
    files = [
        {"name": f"{word}.jpg", "size": len(word), "digest": blobs.put(store, f"jpeg {word}".encode())}
        for word in words
    ]
    return blobs.put_json(store, {"files": files})


def _dataset(store: ObjectStore, words: Sequence[str], upload: str) -> str:
    pictures = [
        Picture(
            image=blobs.put(store, f"png {word}".encode()),
            pixels=digest_of(word.encode()),
            width=1,
            height=1,
            caption=word,
        )
        for word in words
    ]
    listed = blobs.put_json(store, [one.model_dump(mode="json") for one in pictures])
    identity = content_id("dataset/1", [one.pixels for one in pictures])
    _record(store, keys.dataset(identity), DatasetRecord(id=identity, pictures=listed, count=len(pictures)))
    asked = builders.digest(f"intake of {upload}")
    intake = IntakeRecord(
        asked=asked, source=f"upload://{upload}", dataset=identity, count=len(pictures),
        set_aside=blobs.put_json(store, []), set_aside_count=0,
    )  # fmt: skip
    _record(store, keys.intake(asked), intake)
    return identity


def _trained(store: ObjectStore, ask: TrainAsk, asked: str, name: str) -> str:
    adapter = blobs.put(store, f"adapter of {asked}".encode())
    sample = Sample(step=1, prompt="p", seed=1, image=blobs.put(store, f"sample of {name}".encode()))
    record = TrainRecord(
        asked=asked, dataset=ask.dataset, base=BASE, trigger="stblsx", recipe=ask.recipe, adapter=adapter, rank=4,
        targets=[], final_loss=0.1, losses=blobs.put_json(store, [[1, len(name)]]),
        samples=blobs.put_json(store, [sample.model_dump(mode="json")]),
    )  # fmt: skip
    _record(store, keys.train(asked), record)
    return adapter


def _record(store: ObjectStore, key: str, record: Any) -> None:
    store.create(key, plan.canonical(record.model_dump(mode="json")))
