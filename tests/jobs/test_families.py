"""A whole run on an SDXL-class base through the real workbench: prepared, trained, sampled, recorded, drawn with."""

from __future__ import annotations

import json

import pytest
import torch

from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish, run
from jobs.bases import catalogue
from jobs.datasets import prepare as preparing
from jobs.shots import AdapterUse, Look, Plan, Sampling
from jobs.spec import GenerateAsk, Hints, Job, Placement, Samples, TrainAsk, TrainRecipe
from jobs.work import EventKind
from jobs.workbench.resident import Room
from tests.contract.workbench import ends, turned
from tests.jobs import bench as given
from tests.jobs import small_bases

WIDTH, HEIGHT = 64, 48


@pytest.fixture
def base(monkeypatch):
    """The digest of a small SDXL base that the catalogue knows."""
    entry = small_bases.entry("sdxl")
    monkeypatch.setattr(catalogue, "ENTRIES", (*catalogue.ENTRIES, entry))
    monkeypatch.setattr(preparing, "PRIORS", 4)
    monkeypatch.setattr(preparing, "PRIOR_SAMPLING", preparing.PRIOR_SAMPLING.model_copy(update={"steps": 2}))
    return entry.digest


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


@pytest.fixture
def bench(base, store):
    opened = run.open_workbench(
        store, lambda address: given.MemorySource({}), MachineClock(), threads=1, room=Room(rows=4, batch=4)
    )
    yield opened
    opened.close()


def training(dataset: str, base: str, seed: int) -> Job:
    recipe = TrainRecipe(
        rank=2, alpha=4.0, steps=6, batch=2, warmup_steps=1, prior=0.25, resolution=64, learning_rate=1e-2, seed=seed
    )
    samples = Samples(every=3, prompts=("a zigzag sock",), seeds=(1,), sampling=Sampling(steps=2))
    return Job(
        ask=TrainAsk(dataset=dataset, base=base, trigger=given.TRIGGER, recipe=recipe),
        placement=Placement(base=base),
        hints=Hints(samples=samples, checkpoint_every=3),
    )


def chunk(store: FolderStore, base: str, adapters: list[str]) -> Job:
    """Two shots of the bare base, then two of each adapter at 0.7."""
    plan = Plan(
        base=base,
        looks=(
            Look(label="base"),
            *(Look(label=f"v{n}", adapters=(AdapterUse(digest=d, strength=0.7),)) for n, d in enumerate(adapters, 1)),
        ),
        prompts=("a photo of a sock on the beach",),
        sizes=((WIDTH, HEIGHT),),
        seeds=(1, 2),
        sampling=Sampling(name="euler", steps=3, guidance=4.0),
    )
    digest = blobs.put_json(store, plan.model_dump(mode="json"))
    return Job(ask=GenerateAsk(plan=digest, start=0, stop=plan.count), placement=Placement(base=base))


def test_two_brands_are_trained_together_and_drawn_in_one_batch(base, store, bench):
    dataset = given.put_dataset(store, pictures=3)
    jobs = [training(dataset, base, seed) for seed in (1, 2)]
    for job in jobs:
        bench.begin(job, 1)
    events = turned(bench)
    assert ends(events) == dict.fromkeys([job.id for job in jobs], EventKind.FINISHED)
    assert max(event.facts.get("fused", 0) for event in events) == 2
    records = [publish.read(store, job.record_key) for job in jobs]
    for record in records:
        samples = json.loads(store.get(keys.blob(record["samples"])))
        assert [one["step"] for one in samples] == [3, 6]
        assert torch.isfinite(torch.tensor(record["final_loss"]))
    drawing = chunk(store, base, [record["adapter"] for record in records])
    bench.begin(drawing, 1)
    assert ends(turned(bench)) == {drawing.id: EventKind.FINISHED}
    record = publish.read(store, drawing.record_key)
    assert (record["drawn"], record["failures"]) == (6, [])
    plan = Plan.model_validate_json(blobs.get(store, drawing.ask.plan))
    images = [publish.read(store, keys.image(plan.shot(number).recipe.hash)) for number in range(plan.count)]
    assert len({image["digest"] for image in images}) == 6
