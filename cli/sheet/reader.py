"""Reads what a contact sheet needs from a store: each thing once, several at a time, every picture against its digest.

What cannot be read is remembered as a sentence, and the rest goes on. Raises StoreUnavailable as the store does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from cli.sheet.data import Image
from jobs import blobs, keys, publish, shots
from jobs.errors import Corrupt, KeyNotFound
from jobs.manifests import VersionStatus
from jobs.ports import ObjectStore
from jobs.records import DatasetRecord, ImageRecord, Picture, Sample, TrainRecord

MOST_REFERENCES = 32
READERS = 8
"""Threads that read at once: a sheet is hundreds of small objects."""

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Trained:
    """A training as it stands in the store, its samples' pictures not yet read."""

    record: TrainRecord
    losses: tuple[tuple[int, float], ...]
    samples: tuple[Sample, ...]


class Reader:
    """Remembers the pictures that it has read (`pictures`, by digest), those that are `lost`, and its `troubles`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.images: dict[str, ImageRecord | None] = {}  # by recipe hash
        self.pictures: dict[str, bytes] = {}  # by digest
        self.lost: dict[str, str] = {}  # why, by digest
        self.troubles: list[str] = []

    def plan(self, version: VersionStatus) -> shots.Plan:
        """The plan of a version's sheet. Raises KeyNotFound and Corrupt."""
        return shots.Plan.model_validate(blobs.get_json(self._store, str(version.sheet)))

    def train(self, version: VersionStatus) -> Trained | None:
        """How a version was trained, or None where that is not recorded."""
        body = publish.read(self._store, keys.train(version.asked)) if version.asked else None
        if body is None:
            self.troubles.append(f"{version.version}: how it was trained is not recorded in this store.")
            return None
        record = TrainRecord.model_validate(body)
        losses = self._listed(record.losses, f"the loss curve of {version.version}")
        samples = self._listed(record.samples, f"the samples of {version.version}")
        return Trained(
            record,
            tuple((int(step), float(loss)) for step, loss in losses),
            tuple(Sample.model_validate(one) for one in samples),
        )

    def references(self, dataset: str) -> tuple[list[Picture], int]:
        """The pictures to show, evenly spread over the dataset, and how many it has."""
        body = publish.read(self._store, keys.dataset(dataset)) if dataset else None
        if body is None:
            self.troubles.append("The dataset is not recorded in this store, so no references are shown.")
            return [], 0
        listed = self._listed(DatasetRecord.model_validate(body).pictures, "the list of references")
        pictures = [Picture.model_validate(one) for one in listed]
        return _spread(pictures, MOST_REFERENCES), len(pictures)

    def see_recipes(self, plans: Iterable[shots.Plan]) -> None:
        """Reads the image records of all shots, and of their pictures before the finish."""
        recipes = (shot.recipe for plan in plans for shot in plan.shots())
        hashes = dict.fromkeys(wanted for recipe in recipes for wanted in (recipe.hash, recipe.raw().hash))
        self.images.update(_each(self._image, hashes))

    def see_pictures(self, references: Iterable[str], trained: Iterable[Trained | None]) -> None:
        """Reads every picture's bytes."""
        drawn = [image.digest for image in self.images.values() if image is not None]
        samples = [sample.image for one in trained if one is not None for sample in one.samples]
        for digest, (data, why) in _each(self._bytes, dict.fromkeys([*references, *drawn, *samples])).items():
            if data is None:
                self.lost[digest] = why
            else:
                self.pictures[digest] = data

    def shown(self, recipe: shots.Recipe) -> tuple[Image | None, str]:
        """The picture of a recipe, or why there is none."""
        record = self.images[recipe.hash]
        if record is None:
            return None, "not drawn yet"
        if record.digest in self.lost:
            return None, self.lost[record.digest]
        return Image(record.digest, recipe.width, recipe.height), ""

    def _image(self, recipe_hash: str) -> ImageRecord | None:
        body = publish.read(self._store, keys.image(recipe_hash))
        return None if body is None else ImageRecord.model_validate(body)

    def _bytes(self, digest: str) -> tuple[bytes | None, str]:
        try:
            return blobs.get(self._store, digest), ""
        except KeyNotFound:
            return None, "recorded, but its bytes are gone from the store"
        except Corrupt:
            return None, "its bytes are damaged in the store"

    def _listed(self, digest: str, what: str) -> list[Any]:
        try:
            return list(blobs.get_json(self._store, digest))
        except (KeyNotFound, Corrupt) as found:
            self.troubles.append(f"{what[0].upper()}{what[1:]} cannot be read: {found.message}")
            return []


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly apart."""
    if len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def _each(read: Callable[[Item], Found], wanted: Iterable[Item]) -> dict[Item, Found]:
    """What reading each one gives, several at once."""
    with ThreadPoolExecutor(READERS) as pool:
        names = list(wanted)
        return dict(zip(names, pool.map(read, names), strict=True))
