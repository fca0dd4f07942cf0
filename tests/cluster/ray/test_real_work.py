"""The whole way on real parts: pictures taken in, two brands trained together, shots drawn; their worker is killed once."""

from __future__ import annotations

import json
import signal
from contextlib import closing

import psutil
import pytest

from cluster import uploads
from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.shots import AdapterUse
from jobs.spec import IntakeAsk, Job
from tests.cluster.ray.farm import Farm, freeze, kill
from tests.cluster.ray.nodes import until
from tests.cluster.ray.standing import Standing
from tests.jobs import bench as given

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

STEPS, EVERY = 200, 5
SHOTS = 8


@pytest.fixture(scope="module")
def lasting_farms(clusters, tmp_path_factory):
    """A farm of real workbenches, whose processes take long to open: one for all."""

    def opened():
        folder = tmp_path_factory.mktemp("real")
        store = FolderStore(folder / "store")
        return closing(Farm(clusters.get(), folder, str(folder / "store"), store, "cluster.bench:open_workbench"))

    with closing(Standing(opened)) as standing:
        yield standing


@pytest.fixture
def farm(lasting_farms):
    return lasting_farms.get()


@pytest.fixture
def store(farm):
    return farm.store


def taken_in(farm, folder):
    """The dataset that a folder of pictures becomes."""
    folder.mkdir()
    for name, data in given.files().items():
        (folder / name).write_bytes(data)
    job = Job(ask=IntakeAsk(source=uploads.write_upload(farm.store, folder), listing="l", trigger=given.TRIGGER))
    farm.want("dataset", job)
    farm.check(job)
    record = publish.read(farm.store, job.record_key)
    assert (record["count"], record["set_aside_count"]) == (given.PICTURES, 0)
    return record["dataset"]


def steps_in_two(report):
    """Whether two trainings step together, some checkpoints on."""
    return report.done >= 2 * EVERY + 2 and report.facts["fused"] == 2


def furthest_checkpoint(store, job, attempt):
    steps = [key.split("/")[2:] for key in store.list(keys.checkpoints(job.id))]
    return max(int(step) for step, by in steps if int(by) == attempt)


def told(store, job, attempt, event):
    """The one line of an attempt's log that tells of an event."""
    pieces = [store.get(key) for key in store.list(keys.logs(job.id)) if f"/{attempt:04d}/" in key]
    (line,) = [line for line in map(json.loads, b"".join(pieces).decode().splitlines()) if line["event"] == event]
    return line


def test_pictures_become_two_adapters_and_their_shots_though_a_worker_is_killed(farm, store, tmp_path):
    farm.until_manned()
    dataset = taken_in(farm, tmp_path / "pictures")

    trainings = [given.training(dataset, seed, steps=STEPS, checkpoint_every=EVERY) for seed in (1, 2)]
    farm.want("brands", *trainings)
    until("they step together", lambda: all(steps_in_two(farm.report(job)) for job in trainings))
    (worker,) = {farm.report(job).worker for job in trainings}
    pid = farm.workers()[worker]
    freeze(pid)
    until("it stands still", lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    kill(pid)
    kept = {job.id: furthest_checkpoint(store, job, attempt=1) for job in trainings}  # pruned as the next goes on
    farm.check(*trainings)
    for job in trainings:
        assert farm.report(job).attempt == 2
        assert told(store, job, 2, "training")["resumed_at_step"] == kept[job.id]
        losses = blobs.get_json(store, publish.read(store, job.record_key)["losses"])
        assert [step for step, _ in losses] == list(range(1, STEPS + 1))

    adapters = [publish.read(store, job.record_key)["adapter"] for job in trainings]
    assert len(set(adapters)) == 2
    chunks = [
        given.chunk(given.put_plan(store, number, AdapterUse(digest=adapter), shots=SHOTS), stop=SHOTS)
        for number, adapter in enumerate(adapters)
    ]
    farm.want("campaign", *chunks)
    farm.check(*chunks)
    images = [publish.read(store, key) for key in store.list("image/")]
    assert len({image["recipe_hash"] for image in images}) == len(images) == 2 * SHOTS
    assert all(blobs.get(store, image["digest"]).startswith(b"\x89PNG") for image in images)


def test_a_farm_that_goes_down_keeps_what_its_trainings_have_come_to(farm, store):
    farm.until_manned()
    job = given.training(given.put_dataset(store), 3, steps=2000, checkpoint_every=1000)
    farm.want("brand", job)
    reached = farm.until_at_step(job, 5).done
    farm.dispatcher.send_signal(signal.SIGUSR1)  # as the supervisor says it when the farm goes down
    assert farm.dispatcher.wait(timeout=60) == 0
    assert farm.cluster.ask("workers", farm.namespace) == {}
    assert reached <= furthest_checkpoint(store, job, attempt=1) < 1000  # not one of its own times: it was told to keep
