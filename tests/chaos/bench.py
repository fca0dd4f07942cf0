"""A light workbench whose records are the real ones, so that a controller can go on from them: datasets, adapters, images.

One job of each kind at a time, so that work is spread; armed through the store, it kills or freezes itself between result and record.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from cluster import stores
from cluster.ports import Offer
from jobs import blobs, identity, keys, publish
from jobs.ports import ObjectStore
from jobs.records import ChunkRecord, DatasetRecord, ImageRecord, IntakeRecord, Record, TrainRecord
from jobs.shots import Plan, Recipe
from jobs.spec import GenerateAsk, IntakeAsk, Job, JobKind, TrainAsk
from tests.fakes.workbench import FakeWorkbench, Held

STEP_SECONDS = 0.15
STEPS = 8
"""Of a training; an intake has three, and a chunk as many as it has shots."""
ARMED, MET = keys.cache("armed/signal"), keys.cache("armed/met")


class ChaosWorkbench(FakeWorkbench):
    """Counted steps; every shot becomes an image, every job ends in a record of its own kind with all the blobs that it names."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store, step_seconds=STEP_SECONDS)
        self._plans: dict[str, Plan] = {}

    def offer(self) -> Offer:
        held = [held.job for held in self._held.values()]
        busy = {job.kind for job in held}
        base = next((job.placement.base for job in held if job.placement.base), "")
        rows, chunks, intakes = (int(kind not in busy) for kind in (JobKind.TRAIN, JobKind.GENERATE, JobKind.INTAKE))
        return Offer(base=base, train_rows=rows, chunks=chunks, intakes=intakes)

    def _advance(self, held: Held) -> None:
        ask = held.job.ask
        if isinstance(ask, GenerateAsk) and held.step < held.steps:
            self._draw(self._plan(ask).shot(ask.start + held.step).recipe)
        super()._advance(held)

    def _draw(self, recipe: Recipe) -> None:
        picture = f"the picture of {recipe.hash}".encode()
        digest = blobs.put(self._store, picture)
        image = ImageRecord(recipe_hash=recipe.hash, recipe=recipe, digest=digest, size=len(picture), numerics="none")
        publish.record(self._store, keys.image(recipe.hash), _body(image), blobs=[digest])

    def _publish(self, held: Held) -> None:
        record, named = _result(self._store, held)
        self._meet_signal()
        publish.record(self._store, held.job.record_key, _body(record), blobs=named)

    def _meet_signal(self) -> None:
        if self._store.exists(ARMED) and self._store.create(MET, str(os.getpid()).encode()):
            ending = int(self._store.get(ARMED))
            self._store.delete(ARMED)
            os.kill(os.getpid(), ending)

    def _plan(self, ask: GenerateAsk) -> Plan:
        if ask.plan not in self._plans:
            self._plans[ask.plan] = Plan.model_validate(blobs.get_json(self._store, ask.plan))
        return self._plans[ask.plan]


def arm(store: ObjectStore, ending: signal.Signals) -> None:
    """Let whoever has a result next meet a signal once, when it is kept and its record is not. Any job will do: one that was
    chosen beforehand may be done before it is armed."""
    store.delete(MET)
    store.put(ARMED, str(int(ending)).encode())


def met(store: ObjectStore) -> int:
    """The process that met the signal; 0 while none has."""
    return int(store.get(MET)) if store.exists(MET) else 0


def open_bench(store: str, **_room: int) -> ChaosWorkbench:
    """The workbench over a store's address, as a worker opens it."""
    return ChaosWorkbench(stores.open_store(store))


def _result(store: ObjectStore, held: Held) -> tuple[Record, list[str]]:
    """The record of a job, whose blobs are kept, and the digests that it names."""
    made = {"pid": os.getpid(), "attempt": held.attempt}
    match held.job.ask:
        case IntakeAsk() as ask:
            return _taken_in(store, held.job, ask, made)
        case TrainAsk() as ask:
            return _trained(store, held.job, ask, made)
        case GenerateAsk() as ask:
            size = ask.stop - ask.start
            chunk = ChunkRecord(
                id=held.job.id, plan=ask.plan, start=ask.start, stop=ask.stop, drawn=size, reused=0, made=made
            )
            return chunk, [ask.plan]


def _taken_in(store: ObjectStore, job: Job, ask: IntakeAsk, made: dict[str, Any]) -> tuple[Record, list[str]]:
    pictures, aside = blobs.put_json(store, [ask.source]), blobs.put_json(store, [])
    dataset = identity.digest_of(pictures.encode())
    record = DatasetRecord(id=dataset, pictures=pictures, count=8)
    publish.record(store, keys.dataset(dataset), _body(record), blobs=[pictures])
    taken = IntakeRecord(
        asked=job.id, source=ask.source, dataset=dataset, count=8, set_aside=aside, set_aside_count=0, made=made
    )
    return taken, [aside]


def _trained(store: ObjectStore, job: Job, ask: TrainAsk, made: dict[str, Any]) -> tuple[Record, list[str]]:
    adapter = blobs.put(store, f"the adapter of {job.id}".encode())
    losses, samples = blobs.put_json(store, [[0, "0.5"]]), blobs.put_json(store, [])
    record = TrainRecord(
        asked=job.id,
        dataset=ask.dataset,
        base=ask.base,
        trigger=ask.trigger,
        recipe=ask.recipe,
        adapter=adapter,
        rank=ask.recipe.rank,
        targets=["to_q"],
        final_loss=0.5,
        losses=losses,
        samples=samples,
        made=made,
    )
    return record, [adapter, losses, samples]


def _body(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", exclude={"writeId"})
