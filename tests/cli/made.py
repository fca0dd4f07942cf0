"""What a farm has made, as records in a store: datasets, versions, trainings, chunks, and failures on the way."""

from __future__ import annotations

from typing import Any

from cluster.instructions import RecordFailure
from cluster.ledger import record_failure
from cluster.ports import Trouble
from jobs import blobs, keys, manifests, plan, publish
from jobs.manifests import Campaign
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, DatasetRecord, Picture, TrainRecord, VersionRecord
from jobs.spec import Job, TrainRecipe
from tests import builders
from tests.builders import NOON, digest
from tests.fakes.farm import FakeFarm

UID = "uid-stable-socks"


def dataset(store: ObjectStore, *captions: str) -> str:
    """A dataset of pictures that are what their captions' first words say."""
    listed = [
        Picture(image=digest(f"png {text}"), pixels=digest(text.split()[0]), width=64, height=64, caption=text)
        for text in captions
    ]
    name = digest(" ".join(captions))
    pictures = blobs.put_json(store, [one.model_dump(mode="json") for one in listed])
    body = DatasetRecord(id=name, pictures=pictures, count=len(listed))
    publish.record(store, keys.dataset(name), body.model_dump(mode="json", exclude={"writeId"}))
    return name


def version(store: ObjectStore, number: int, *, dataset: str, trained: bool = True, **recipe: Any) -> VersionRecord:
    """Version n of stable-socks, trained in a minute or so unless it is said otherwise."""
    resolved = TrainRecipe(**recipe)
    ask = plan.train_ask(dataset, digest("base"), "stblsx", resolved)
    record = builders.version_record(
        number, dataset=dataset, project_uid=UID, recipe=resolved.model_dump(), asked=Job(ask=ask).id
    )
    _keep(store, keys.version(UID, number), record)
    if trained:
        result = builders.train_record(Job(ask=ask)).model_copy(update={"samples": blobs.put_json(store, [])})
        assert isinstance(result, TrainRecord)
        _keep(store, keys.train(record.asked), result)
    return record


def failure(
    store: ObjectStore, asked: str, attempt: int, *, reason: str = "OutOfMemory", seconds: float | None = 36.0
) -> None:
    """An attempt that failed an hour before noon."""
    trouble = Trouble(reason=reason, message="No room.", hint="Give it fewer rows.", retryable=True)
    record_failure(store, RecordFailure(asked, attempt, trouble, NOON - 3600, seconds))


def campaign(farm: FakeFarm, *, failed: int = 0) -> list[Job]:
    """The chunks of the campaign spring, drawn half an hour before noon in 90 s each; the first holds the failed shots."""
    parsed = manifests.parse(farm.document("Campaign", "default", "spring"))
    assert isinstance(parsed, Campaign)
    looks = [{"label": "stable-socks v1", "project": "default/stable-socks", "version": "v1"}]
    record = CampaignRecord(uid="uid-spring", plan=digest("plan"), count=20, chunk=16, looks=looks, created=NOON - 7200)
    _keep(farm.store, keys.campaign("uid-spring"), record)
    jobs = list(plan.campaign_jobs(parsed, record, base=""))
    for job in jobs:
        drawn = builders.chunk_record(job, failed=failed if job is jobs[0] else 0)
        _keep(farm.store, job.record_key, drawn.model_copy(update={"seconds": 90.0, "ended": NOON - 1800}))
    return jobs


def _keep(store: ObjectStore, key: str, record: Any) -> None:
    publish.record(store, key, record.model_dump(mode="json", exclude={"writeId"}))
