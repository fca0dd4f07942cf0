"""The real workbench keeps the contract of every workbench, and joins training, generation and intake on one base."""

from __future__ import annotations

import functools
import json

import pytest

from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from jobs import keys, publish, run
from jobs.bases import loading
from jobs.ports import ObjectStore, Source
from jobs.shots import AdapterUse, Sampling
from jobs.spec import Hints, Job, Samples
from jobs.training import finish_training
from jobs.work import EventKind, Workbench
from jobs.workbench.resident import Room
from tests.contract.workbench import WorkbenchContract, ends, turned, until_step
from tests.jobs import bench as given


@pytest.fixture(autouse=True)
def base_that_is_read_once(monkeypatch):
    """Benches give the base back as they found it, so one that was read serves them all."""
    monkeypatch.setattr(loading, "load", load_once)


load_once = functools.cache(loading.load)


def open_on(store: ObjectStore, batch: int = 4) -> Workbench:
    def open_source(address: str) -> Source:
        return given.MemorySource(given.files())

    return run.open_workbench(store, open_source, MachineClock(), threads=1, room=Room(rows=4, batch=batch))


class TestResidentWorkbench(WorkbenchContract):
    def open(self, store: ObjectStore) -> Workbench:
        return open_on(store)

    def furnish(self, store: ObjectStore) -> None:
        self.dataset = given.put_dataset(store)
        self.plans = {number: given.put_plan(store, number) for number in (1, 2)}

    def training(self, number: int) -> Job:
        return given.training(self.dataset, number)

    def chunk(self, number: int) -> Job:
        return given.chunk(self.plans[number])

    def intake(self, number: int) -> Job:
        return given.intake(f"upload://{number}")


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


@pytest.fixture
def bench(store):
    opened = open_on(store)
    yield opened
    opened.close()


def test_two_trainings_step_together(bench, store):
    dataset = given.put_dataset(store)
    for number in (1, 2):
        bench.begin(given.training(dataset, number), 1)
    steps = [event for event in turned(bench) if event.kind is EventKind.PROGRESS]
    assert {event.facts["fused"] for event in steps} == {2.0}


def test_training_and_drawing_take_turns(bench, store):
    bench.begin(given.training(given.put_dataset(store), steps=8), 1)
    bench.begin(given.chunk(given.put_plan(store, shots=16), stop=16), 1)
    kinds = ["step" if "loss" in event.facts else "images" for event in turned(bench) if event.facts]
    assert "step" in kinds[:3]
    assert "images" in kinds[:3]


def test_an_adapter_that_was_trained_here_draws_here(bench, store):
    job = given.training(given.put_dataset(store))
    bench.begin(job, 1)
    turned(bench)
    adapter = publish.read(store, job.record_key)["adapter"]
    chunk = given.chunk(given.put_plan(store, 1, AdapterUse(digest=adapter)))
    bench.begin(chunk, 1)
    assert ends(turned(bench)) == {chunk.id: EventKind.FINISHED}
    assert publish.read(store, chunk.record_key)["drawn"] == 8


def test_samples_are_made_at_their_steps_and_named_in_the_record(bench, store):
    plain = given.training(given.put_dataset(store))
    samples = Samples(every=2, prompts=("a zigzag sock",), seeds=(1, 2), sampling=Sampling(steps=2))
    job = plain.model_copy(update={"hints": Hints(samples=samples)})
    bench.begin(job, 1)
    turned(bench)
    record = publish.read(store, job.record_key)
    made = json.loads(store.get(keys.blob(record["samples"])))
    assert [(one["step"], one["seed"]) for one in made] == [(2, 1), (2, 2), (4, 1), (4, 2)]
    assert all(store.exists(keys.blob(one["image"])) for one in made)


def test_a_training_that_was_closed_after_its_last_step_only_records(store):
    job, first = given.training(given.put_dataset(store)), open_on(store)
    first.begin(job, 1)
    until_step(first, job, 4)
    first.close()
    assert not store.exists(job.record_key)
    second = open_on(store)
    second.begin(job, 2)
    events = turned(second)
    second.close()
    assert [event.kind for event in events] == [EventKind.FINISHED]
    assert store.exists(job.record_key)


def test_a_failure_that_nobody_foresaw_is_one_jobs_own(bench, store, monkeypatch):
    dataset = given.put_dataset(store)
    broken, sound = given.training(dataset, 1), given.training(dataset, 2)
    finish = finish_training.finish

    def break_for_one(trainer, base, store, job):
        if job == broken.id:
            raise ZeroDivisionError("nobody foresaw this")
        return finish(trainer, base, store, job)

    monkeypatch.setattr(finish_training, "finish", break_for_one)
    for job in (broken, sound):
        bench.begin(job, 1)
    events = turned(bench)
    assert ends(events) == {broken.id: EventKind.FAILED, sound.id: EventKind.FINISHED}
    (trouble,) = [event.trouble for event in events if event.trouble]
    assert (trouble.reason, trouble.message, trouble.retryable) == ("ZeroDivisionError", "nobody foresaw this", True)
    log = b"".join(store.get(key) for key in store.list(keys.logs(broken.id))).decode()
    assert "break_for_one" in log


def test_an_attempt_tells_its_log_from_beginning_to_end(bench, store):
    job = given.training(given.put_dataset(store))
    bench.begin(job, 3)
    turned(bench)
    lines = b"".join(store.get(key) for key in store.list(keys.logs(job.id))).decode().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events == ["began", "training", "checkpoint", "step", "trained", "done"]


def test_a_base_that_the_catalogue_does_not_have_fails_the_job(bench, store):
    job = given.training(given.put_dataset(store))
    ask = job.ask.model_copy(update={"base": "0" * 64})
    bench.begin(Job(ask=ask), 1)
    (failed,) = turned(bench)
    assert (failed.kind, failed.trouble.reason) == (EventKind.FAILED, "BaseUnknown")
