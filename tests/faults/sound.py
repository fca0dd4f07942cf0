"""A small store in which the promise is kept: an intake, a training under way, one done, a chunk with raw images. No torch."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin
from safetensors.numpy import save

from jobs import blobs, identity, keys, publish
from jobs.finish_steps import Colour, FinishStep
from jobs.generation import metadata
from jobs.ports import ObjectStore
from jobs.records import ChunkRecord, ImageRecord, IntakeRecord, Record, Sample, ShotFailure, TrainRecord
from jobs.shots import Look, Plan, Recipe
from jobs.spec import GenerateAsk, Job, TrainAsk
from tests.jobs import bench as given

STEPS = 4
FAILED_SHOT = 2


@dataclass(frozen=True)
class Sound:
    """What was asked of the store, and what stands in it. `unfinished` has checkpoints and no record yet."""

    store: ObjectStore
    intake: Job
    training: Job
    chunk: Job
    unfinished: Job
    plan: Plan

    @property
    def wanted(self) -> list[Job]:
        return [self.intake, self.training, self.chunk]

    @property
    def done(self) -> set[str]:
        return {job.id for job in self.wanted}

    def change(self, key: str, **fields: Any) -> None:
        """Another record in place of one that stands."""
        body = {**(publish.read(self.store, key) or {}), **fields}
        self.store.delete(key)
        self.store.create(key, identity.canonical(body))

    def record(self, key: str) -> dict[str, Any]:
        body = publish.read(self.store, key)
        assert body is not None
        return body


def put(store: ObjectStore) -> Sound:
    """Fills an empty store."""
    dataset = given.put_dataset(store)
    plan = Plan(
        base=given.BASE,
        looks=(Look(label="base", finish=(FinishStep(colour=Colour(contrast=10)),)),),
        prompts=("a sock",),
        sizes=((8, 8),),
        seeds=(1, 2, 3),
        keep_raw=True,
    )
    ask = GenerateAsk(plan=blobs.put_json(store, plan.model_dump(mode="json")), start=0, stop=plan.count)
    sound = Sound(
        store,
        given.intake("upload://1"),
        given.training(dataset, 1, steps=STEPS),
        Job(ask=ask),
        given.training(dataset, 2, steps=STEPS),
        plan,
    )
    _take_in(sound, dataset)
    _train(sound)
    _draw(sound)
    for step in (1, 2):
        checkpoint(sound, sound.unfinished, step)
    store.put(keys.log(sound.training.id, 1, 0), b'{"event": "began"}\n{"event": "done"}\n')
    return sound


def checkpoint(sound: Sound, job: Job, step: int, attempt: int = 1) -> str:
    """A pointer to a whole state of a training; its key."""
    assert isinstance(job.ask, TrainAsk)
    state = blobs.put(sound.store, tensors(losses=np.ones(step), row=np.full(3, float(step))))
    pointer = {
        "ask": job.ask.model_dump(mode="json"),
        "attempt": attempt,
        "step": step,
        "state": state,
        "samples": _samples(sound.store, step),
    }
    key = keys.checkpoint(job.id, step, attempt)
    sound.store.create(key, identity.canonical(pointer))
    return key


def tensors(**named: Any) -> bytes:
    """A safetensors file."""
    return bytes(save({name: np.asarray(value, dtype=np.float32) for name, value in named.items()}))


def png(shade: int, texts: dict[str, str] | None = None) -> bytes:
    """A picture of one grey."""
    told = PngImagePlugin.PngInfo()
    for name, text in (texts or {}).items():
        told.add_text(name, text)
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def _take_in(sound: Sound, dataset: str) -> None:
    aside = blobs.put_json(sound.store, [])
    source = "upload://1"
    record = IntakeRecord(
        asked=sound.intake.id, source=source, dataset=dataset, count=given.PICTURES, set_aside=aside, set_aside_count=0
    )
    _publish(sound.store, sound.intake.record_key, record)


def _train(sound: Sound) -> None:
    ask, store = sound.training.ask, sound.store
    assert isinstance(ask, TrainAsk)
    record = TrainRecord(
        asked=sound.training.id,
        dataset=ask.dataset,
        base=ask.base,
        trigger=ask.trigger,
        recipe=ask.recipe,
        adapter=blobs.put(store, tensors(A=[1, 2], B=[3, 4])),
        rank=ask.recipe.rank,
        targets=["to_q"],
        final_loss=0.5,
        losses=blobs.put_json(store, [[step, 0.5] for step in range(1, STEPS + 1)]),
        samples=_samples(store, STEPS),
    )
    _publish(store, sound.training.record_key, record)


def _samples(store: ObjectStore, steps: int) -> str:
    made = [
        Sample(step=step, prompt="a sock", seed=1, image=blobs.put(store, png(100 + step)))
        for step in range(1, steps + 1)
    ]
    return blobs.put_json(store, [sample.model_dump(mode="json") for sample in made])


def _draw(sound: Sound) -> None:
    ask = sound.chunk.ask
    assert isinstance(ask, GenerateAsk)
    drawn = [shot for shot in sound.plan.shots() if shot.index != FAILED_SHOT]
    for shot in drawn:
        for recipe in (shot.recipe, shot.recipe.raw()):
            _image(sound.store, recipe)
    failure = ShotFailure(index=FAILED_SHOT, reason="Corrupt", message="Torn.")
    record = ChunkRecord(
        id=sound.chunk.id,
        plan=ask.plan,
        start=ask.start,
        stop=ask.stop,
        drawn=len(drawn),
        reused=0,
        failures=[failure],
    )
    _publish(sound.store, sound.chunk.record_key, record)


def _image(store: ObjectStore, recipe: Recipe) -> None:
    file = png(recipe.seed, metadata.texts(recipe))
    digest = blobs.put(store, file)
    record = ImageRecord(recipe_hash=recipe.hash, recipe=recipe, digest=digest, size=len(file), numerics="n")
    _publish(store, keys.image(recipe.hash), record)


def _publish(store: ObjectStore, key: str, record: Record) -> None:
    publish.record(store, key, record.model_dump(mode="json", exclude={"writeId"}))
