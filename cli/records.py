"""Records of the store as a person's terminal reads them: parsed, many at a time, absent ones as None. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from jobs import blobs, keys, plan, publish
from jobs.errors import Corrupt, KeyNotFound, StoreError
from jobs.manifests import Campaign
from jobs.ports import ObjectStore
from jobs.records import CampaignRecord, ChunkRecord, DatasetRecord, FailureRecord, Picture, RerunRecord
from jobs.spec import Job

R = TypeVar("R", bound=BaseModel)

AT_A_TIME = 16


def get(store: ObjectStore, key: str, model: type[R]) -> R | None:
    """The record under a key, None while there is none. Raises StoreError for one that this release cannot read."""
    body = publish.read(store, key)
    if body is None:
        return None
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise StoreError(
            f"What stands under {key} is no {model.__name__} that this release can read: {error.error_count()} fields.",
            hint="Was it written by a newer release? Upgrade this one.",
        ) from error


def many(store: ObjectStore, wanted: Iterable[str], model: type[R]) -> list[R | None]:
    """The records under some keys, in their order."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(lambda key: get(store, key, model), wanted))


def started(store: ObjectStore, campaign: Campaign) -> CampaignRecord | None:
    """What a campaign resolved to, None before its start."""
    return get(store, keys.campaign(campaign.metadata.uid or ""), CampaignRecord)


def reruns(store: ObjectStore, uid: str) -> list[RerunRecord]:
    """The reruns of a campaign, in order."""
    found = many(store, store.list(keys.reruns(uid)), RerunRecord)
    return [one for one in found if one is not None]


def chunks(store: ObjectStore, campaign: Campaign, record: CampaignRecord) -> list[tuple[Job, ...]]:
    """A campaign's chunks, each as it was asked for first and by every rerun."""
    return plan.chains(plan.campaign_jobs(campaign, record, base=""), reruns(store, record.uid))


def newest(
    store: ObjectStore, chains: Iterable[tuple[Job, ...]]
) -> list[tuple[tuple[Job, ...], tuple[ChunkRecord, ...]]]:
    """Each chunk with the records that it has, oldest first."""
    listed = list(chains)
    found = iter(many(store, (job.record_key for chain in listed for job in chain), ChunkRecord))
    together = ((chain, [next(found) for _ in chain]) for chain in listed)
    return [(chain, tuple(one for one in each if one is not None)) for chain, each in together]


def failures(store: ObjectStore, asked: Iterable[str]) -> list[FailureRecord]:
    """Why attempts at some asked things failed, by asked thing and attempt."""
    listed = [key for one in asked for key in store.list(keys.failures(one))]
    return [one for one in many(store, listed, FailureRecord) if one is not None]


def pictures(store: ObjectStore, dataset: str) -> dict[str, str] | None:
    """The captions of a dataset by the digest of each picture's pixels; None where it cannot be read."""
    record = get(store, keys.dataset(dataset), DatasetRecord)
    if record is None:
        return None
    try:
        listed = blobs.get_json(store, record.pictures)
    except (KeyNotFound, Corrupt):
        return None
    return {one.pixels: one.caption for one in map(Picture.model_validate, listed)}
