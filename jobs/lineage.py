"""What made an image, and what a photograph has touched: the records of the store, walked both ways. Reads, never writes.

Upwards every record names its inputs by digest. Downwards the small records are read through; images are counted by plan,
whose shots are computed, so that a campaign of a million costs no million reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from jobs import blobs, keys, publish
from jobs.errors import KeyNotFound, NotFound, StoreError
from jobs.ports import ObjectStore
from jobs.records import (
    CampaignRecord,
    ChunkRecord,
    DatasetRecord,
    ImageRecord,
    IntakeRecord,
    Picture,
    TrainRecord,
    VersionRecord,
)
from jobs.shots import Plan

R = TypeVar("R", bound=BaseModel)

RECORDS = "record/"


@dataclass(frozen=True)
class Learned:
    """One adapter's past: its training, the versions that it serves as, its dataset's pictures, and where those came from."""

    strength: float
    training: TrainRecord
    versions: tuple[VersionRecord, ...]
    pictures: tuple[Picture, ...]
    intakes: tuple[IntakeRecord, ...]


@dataclass(frozen=True)
class Made:
    """An image's past: its record, and what each of its adapters has learned, in the recipe's order.

    unknown: digests of adapters that no training of this store made.
    """

    image: ImageRecord
    learned: tuple[Learned, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """Images that a plan draws with touched adapters: how many of its shots, and how many of those stand; for which campaigns."""

    plan: str
    campaigns: tuple[str, ...]  # uids; none where the plan is a contact sheet's
    shots: int
    standing: int


@dataclass(frozen=True)
class Touched:
    """All that a photograph has gone into, step by step."""

    pixels: str
    pictures: tuple[Picture, ...]
    datasets: tuple[str, ...]
    intakes: tuple[IntakeRecord, ...]
    trainings: tuple[TrainRecord, ...]
    versions: tuple[VersionRecord, ...]
    drawn: tuple[Drawn, ...]


class Archive:
    """The small records of a store, each kind read when it is first asked for."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def made(self, recipe_hash: str) -> Made:
        """What made an image. Raises NotFound where no such image stands, StoreError for a record that cannot be read."""
        image = self._read(keys.image(recipe_hash), ImageRecord)
        if image is None:
            raise NotFound(
                f"No image of recipe {recipe_hash[:12]}... stands in this store.",
                hint="Is it of another farm? `brandfarm lineage` takes a PNG that this farm made.",
            )
        uses = [(use.strength, self._by_adapter.get(use.digest)) for use in image.recipe.adapters]
        learned = tuple(self._learned(strength, training) for strength, training in uses if training is not None)
        unknown = tuple(use.digest for use in image.recipe.adapters if use.digest not in self._by_adapter)
        return Made(image, learned, unknown)

    def touched(self, pixels: str) -> Touched:
        """What the photograph with these decoded pixels has gone into; all empty where it never came in."""
        datasets = [dataset for dataset in self._datasets if pixels in {one.pixels for one in self._pictures(dataset)}]
        ids = tuple(dataset.id for dataset in datasets)
        trainings = tuple(one for one in self._trainings if one.dataset in ids)
        asked, adapters = {one.asked for one in trainings}, {one.adapter for one in trainings}
        return Touched(
            pixels=pixels,
            pictures=tuple(one for dataset in datasets for one in self._pictures(dataset) if one.pixels == pixels),
            datasets=ids,
            intakes=tuple(one for one in self._intakes if one.dataset in ids),
            trainings=trainings,
            versions=tuple(one for one in self._versions if one.asked in asked),
            drawn=tuple(self._drawn(adapters)),
        )

    def images(self, plan: str, adapters: frozenset[str]) -> Iterator[ImageRecord]:
        """The standing images of a plan that wear any of these adapters, streamed."""
        for key in self._wearing(self._plan(plan), adapters):
            record = self._read(key, ImageRecord)
            if record is not None:
                yield record

    def _learned(self, strength: float, training: TrainRecord) -> Learned:
        dataset = self._read(keys.dataset(training.dataset), DatasetRecord)
        return Learned(
            strength=strength,
            training=training,
            versions=tuple(one for one in self._versions if one.asked == training.asked),
            pictures=tuple(self._pictures(dataset)) if dataset is not None else (),
            intakes=tuple(one for one in self._intakes if one.dataset == training.dataset),
        )

    def _drawn(self, adapters: set[str]) -> Iterator[Drawn]:
        """Plans with a touched look. What an image's record needs to exist is asked of a listing, not image by image."""
        campaigns: dict[str, list[str]] = {}
        for one in self._read_all(f"{RECORDS}campaign/", CampaignRecord):
            campaigns.setdefault(one.plan, []).append(one.uid)
        plans = sorted({one.plan for one in self._read_all(f"{RECORDS}chunk/", ChunkRecord)} | campaigns.keys())
        for digest in plans:
            wearing = list(self._wearing(self._plan(digest), frozenset(adapters)))
            if wearing:
                standing = sum(key in self._standing for key in wearing)
                yield Drawn(digest, tuple(campaigns.get(digest, ())), len(wearing), standing)

    def _wearing(self, plan: Plan | None, adapters: frozenset[str]) -> Iterator[str]:
        """The keys of a plan's images that wear any of these adapters."""
        if plan is None or not any(use.digest in adapters for look in plan.looks for use in look.adapters):
            return
        for shot in plan.shots():
            if any(use.digest in adapters for use in shot.recipe.adapters):
                yield keys.image(shot.recipe.hash)

    # What stands in the store.

    @cached_property
    def _standing(self) -> frozenset[str]:
        return frozenset(self._store.list("image/"))

    @cached_property
    def _trainings(self) -> tuple[TrainRecord, ...]:
        return tuple(self._read_all(f"{RECORDS}train/", TrainRecord))

    @cached_property
    def _by_adapter(self) -> dict[str, TrainRecord]:
        return {one.adapter: one for one in self._trainings}

    @cached_property
    def _versions(self) -> tuple[VersionRecord, ...]:
        return tuple(self._read_all(f"{RECORDS}version/", VersionRecord))

    @cached_property
    def _intakes(self) -> tuple[IntakeRecord, ...]:
        return tuple(self._read_all(f"{RECORDS}intake/", IntakeRecord))

    @cached_property
    def _datasets(self) -> tuple[DatasetRecord, ...]:
        return tuple(self._read_all(f"{RECORDS}dataset/", DatasetRecord))

    def _pictures(self, dataset: DatasetRecord) -> list[Picture]:
        return [Picture.model_validate(one) for one in blobs.get_json(self._store, dataset.pictures)]

    def _plan(self, digest: str) -> Plan | None:
        """A plan, None where it was swept with all that was drawn of it."""
        try:
            return Plan.model_validate(blobs.get_json(self._store, digest))
        except KeyNotFound:
            return None

    def _read_all(self, prefix: str, model: type[R]) -> Iterator[R]:
        for key in self._store.list(prefix):
            record = self._read(key, model)
            if record is not None:
                yield record

    def _read(self, key: str, model: type[R]) -> R | None:
        body = publish.read(self._store, key)
        if body is None:
            return None
        try:
            return model.model_validate(body)
        except ValidationError as error:
            raise StoreError(
                f"What stands under {key} is no {model.__name__} that this release can read.",
                hint="Was it written by a newer release? Upgrade this one.",
            ) from error
