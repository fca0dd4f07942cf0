"""The promise as a check: what a store must hold after any faults, given what was wanted and what was reported done.

Reads everything and trusts nothing: no record is believed before what it names has been looked at. Says what is wrong in
sentences; none means that the promise was kept. Knows no farm, and no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError

from jobs import blobs, keys
from jobs.datasets.intake import dataset_id
from jobs.errors import Corrupt, KeyNotFound
from jobs.ports import ObjectStore
from jobs.records import (
    CampaignRecord,
    ChunkRecord,
    DatasetRecord,
    FailureRecord,
    ImageRecord,
    IntakeRecord,
    Picture,
    Record,
    Sample,
    SetAside,
    TrainRecord,
    VersionRecord,
)
from jobs.shots import Plan, Recipe
from jobs.spec import GenerateAsk, IntakeAsk, Job, TrainAsk, asked_id
from tests.faults import contents

MODELS: dict[str, type[Record]] = {
    "record/intake/": IntakeRecord,
    "record/dataset/": DatasetRecord,
    "record/train/": TrainRecord,
    "record/chunk/": ChunkRecord,
    "record/failure/": FailureRecord,
    "record/version/": VersionRecord,
    "record/campaign/": CampaignRecord,
    "image/": ImageRecord,
}
NAMED_BLOBS = ("pictures", "set_aside", "adapter", "losses", "samples", "digest", "plan")
"""Fields of records, each of which names a blob."""


def violations(store: ObjectStore, wanted: Sequence[Job], done: Collection[str], *, opened: bool = True) -> list[str]:
    """What is wrong in a store at rest, a sentence each.

    wanted: every job that was asked for and must have come to its result. done: the ids of all that were ever reported as
    finished. opened: whether the blobs are real ones (pictures, adapters, training states), to be opened and read too.
    """
    check = _Check(store, opened)
    check.every_blob()
    check.every_record()
    for job in {job.id: job for job in wanted}.values():
        check.wanted(job, was_reported=job.id in done)
    check.reported(done, {job.id for job in wanted})
    check.every_checkpoint()
    check.every_log()
    return list(dict.fromkeys(check.found))


class _Check:
    """One look through a store. `found` grows by a sentence for each thing that is wrong."""

    def __init__(self, store: ObjectStore, opened: bool) -> None:
        self.found: list[str] = []
        self._store, self._opened = store, opened
        self._records: dict[str, Record] = {}
        self._plans: dict[str, Plan] = {}

    # Blobs

    def every_blob(self) -> None:
        """Nothing half-written under any digest, named or not."""
        for key in self._store.list(keys.CAS):
            try:
                self._store.get(key)
            except Corrupt:
                self.found.append(f"The blob {key} is not what its digest names.")

    def _blob(self, digest: str, who: str) -> bytes | None:
        try:
            return blobs.get(self._store, digest)
        except KeyNotFound:
            self.found.append(f"{who} names the blob {digest[:12]}..., which is not there.")
        except Corrupt:
            self.found.append(f"{who} names the blob {digest[:12]}..., whose bytes are others.")
        return None

    def _read(self, digest: str, who: str, what: str, read: Callable[[bytes], Any]) -> Any:
        """What a blob holds, or None; what cannot be read as it should is a violation."""
        data = self._blob(digest, who)
        if data is None:
            return None
        try:
            return read(data)
        except (ValueError, KeyError, TypeError, SafetensorError, Corrupt, OSError, SyntaxError) as error:
            self.found.append(f"{who} names the blob {digest[:12]}... as its {what}, and it is none: {error}")
            return None

    # Records

    def every_record(self) -> None:
        """Each record is one by its model, stands under its own key, and names blobs that are there."""
        for key in [*self._store.list("record/"), *self._store.list("image/"), *self._store.list(keys.EPOCHS)]:
            self._parse(key)
        for key, record in self._records.items():
            for field in NAMED_BLOBS:
                if digest := getattr(record, field, ""):
                    self._blob(digest, key)
            self._belongs(key, record)

    def _parse(self, key: str) -> None:
        model = next((model for prefix, model in MODELS.items() if key.startswith(prefix)), None)
        try:
            body = json.loads(self._store.get(key))
            if not isinstance(body, dict):
                raise ValueError("it is no JSON object")
            if model is not None:
                self._records[key] = model.model_validate(body)
        except (ValueError, ValidationError) as error:
            self.found.append(f"{key} is no record: {_first_line(error)}")

    def _belongs(self, key: str, record: Record) -> None:
        match record:
            case IntakeRecord():
                own = keys.intake(record.asked)
                self._intake(key, record)
            case DatasetRecord():
                own = keys.dataset(record.id)
                self._dataset(key, record)
            case TrainRecord():
                own = keys.train(_asked_of(record))
                self._training(key, record)
            case ChunkRecord():
                own = keys.chunk(record.id)
                self._chunk(key, record)
            case ImageRecord():
                own = keys.image(record.recipe.hash)
                self._image(key, record)
            case FailureRecord():
                own = keys.failure(record.asked, record.attempt)
            case _:
                own = key
        if own != key:
            self.found.append(f"{key} holds a record that belongs under {own}.")

    def _intake(self, key: str, record: IntakeRecord) -> None:
        dataset = self._records.get(keys.dataset(record.dataset))
        if not isinstance(dataset, DatasetRecord):
            self.found.append(f"{key} names the dataset {record.dataset[:12]}..., which has no record.")
        elif dataset.count != record.count:
            self.found.append(f"{key} counts {record.count} pictures, its dataset {dataset.count}.")
        if self._opened:
            aside = self._read(record.set_aside, key, "files set aside", TypeAdapter(list[SetAside]).validate_json)
            if aside is not None and len(aside) != record.set_aside_count:
                self.found.append(f"{key} counts {record.set_aside_count} files set aside, and lists {len(aside)}.")

    def _dataset(self, key: str, record: DatasetRecord) -> None:
        if not self._opened:
            return
        pictures = self._read(record.pictures, key, "pictures", TypeAdapter(list[Picture]).validate_json)
        if pictures is None:
            return
        if len(pictures) != record.count or dataset_id(pictures) != record.id:
            self.found.append(f"{key} lists {len(pictures)} pictures, which are not the {record.count} of its id.")
        for picture in pictures:
            self._read(picture.image, key, "picture", contents.png)

    def _training(self, key: str, record: TrainRecord) -> None:
        if not self._opened:
            return
        self._read(record.adapter, key, "adapter", contents.adapter)
        curve = self._read(record.losses, key, "losses", json.loads)
        if curve is not None and [step for step, _ in curve] != list(range(1, record.recipe.steps + 1)):
            self.found.append(f"{key} has losses of {len(curve)} steps, not one of each of {record.recipe.steps}.")
        if curve is not None and not all(math.isfinite(loss) for _, loss in curve):
            self.found.append(f"{key} has a loss that is not a number.")
        self._samples(key, record.samples)

    def _samples(self, who: str, digest: str) -> None:
        samples = self._read(digest, who, "samples", TypeAdapter(list[Sample]).validate_json) or []
        for sample in samples:
            self._read(sample.image, who, "sample", contents.png)
        made = [(sample.step, sample.prompt, sample.seed) for sample in samples]
        if len(set(made)) != len(made):
            self.found.append(f"{who} names a sample twice: {len(made)} are listed, {len(set(made))} differ.")

    def _image(self, key: str, record: ImageRecord) -> None:
        if record.recipe_hash != record.recipe.hash:
            self.found.append(f"{key} says that its recipe is {record.recipe_hash[:12]}..., and it is another.")
        data = self._blob(record.digest, key)
        if data is not None and len(data) != record.size:
            self.found.append(f"{key} says {record.size} bytes, and its picture has {len(data)}.")
        if (
            data is not None
            and self._opened
            and self._read(record.digest, key, "picture", contents.recipe) != record.recipe
        ):
            self.found.append(f"{key} names a picture that was made by another recipe.")

    # Chunks

    def _chunk(self, key: str, record: ChunkRecord) -> None:
        if record.drawn + record.reused + len(record.failures) != record.stop - record.start:
            self.found.append(
                f"{key} accounts for {record.drawn} drawn, {record.reused} reused and {len(record.failures)} failed "
                f"of {record.stop - record.start} shots."
            )
        failed = [failure.index for failure in record.failures]
        if len(set(failed)) != len(failed) or not all(record.start <= index < record.stop for index in failed):
            self.found.append(f"{key} lists failures that are not each one of its own shots: {failed}.")
        plan = self._plan(record.plan, key)
        if plan is None:
            return
        for shot in plan.shots(record.start, min(record.stop, plan.count)):
            if shot.index not in failed:
                self._shot(key, shot.index, shot.recipe, plan.keep_raw)

    def _shot(self, who: str, index: int, recipe: Recipe, keep_raw: bool) -> None:
        for what, one in {"image": recipe, "raw image": recipe.raw() if keep_raw else recipe}.items():
            if keys.image(one.hash) not in self._records:
                self.found.append(f"{who} is done, and the {what} of its shot {index} has no record.")

    def _plan(self, digest: str, who: str) -> Plan | None:
        if digest not in self._plans:
            plan = self._read(digest, who, "plan", Plan.model_validate_json)
            if plan is None:
                return None
            self._plans[digest] = plan
        return self._plans[digest]

    # What was asked

    def wanted(self, job: Job, *, was_reported: bool) -> None:
        """A wanted job has its one record, which answers what was asked."""
        standing = list(self._store.list(job.record_key))
        if standing != [job.record_key]:
            said = ", though it was reported done" if was_reported else ""
            self.found.append(f"The {job.kind} {job.id[:12]}... has {len(standing)} records instead of one{said}.")
            return
        record = self._records.get(job.record_key)
        if record is not None and not _answers(record, job):
            self.found.append(f"{job.record_key} does not answer what was asked of it.")

    def reported(self, done: Collection[str], wanted: Collection[str]) -> None:
        """What was reported done is there, even if nobody wants it any more."""
        for job in set(done) - set(wanted):
            if not any(key in self._records for key in (keys.intake(job), keys.train(job), keys.chunk(job))):
                self.found.append(f"The job {job[:12]}... was reported done and has no record.")

    # On the way

    def every_checkpoint(self) -> None:
        """A training without a record can be resumed: its newest checkpoint is whole, if it has any."""
        pointers: dict[str, list[str]] = {}
        for key in self._store.list("checkpoint/"):
            pointers.setdefault(key.split("/")[1], []).append(key)
        for asked, of_it in pointers.items():
            if keys.train(asked) not in self._records:
                self._newest_is_whole(of_it)

    def _newest_is_whole(self, pointers: list[str]) -> None:
        for key in sorted(pointers, reverse=True):
            before = len(self.found)
            self._checkpoint(key)
            if len(self.found) == before:
                return

    def _checkpoint(self, key: str) -> None:
        _, asked, step, attempt = key.split("/")
        try:
            pointer = json.loads(self._store.get(key))
            if not self._opened:
                return
            told = (asked_id(TrainAsk.model_validate(pointer["ask"])), pointer["step"], pointer["attempt"])
            state, samples = str(pointer["state"]), str(pointer["samples"])
        except (ValueError, KeyError, TypeError) as error:
            self.found.append(f"{key} is no checkpoint: {_first_line(error)}")
            return
        if told != (asked, int(step), int(attempt)):
            self.found.append(f"{key} holds a pointer that belongs elsewhere.")
        self._read(state, key, f"state after {int(step)} steps", contents.state_after(int(step)))
        self._samples(key, samples)

    def every_log(self) -> None:
        """What attempts told is whole lines of JSON."""
        for key in self._store.list("attempt/"):
            try:
                for line in self._store.get(key).decode().splitlines():
                    json.loads(line)
            except ValueError as error:
                self.found.append(f"{key} holds a line that is no JSON: {_first_line(error)}")


def _asked_of(record: TrainRecord) -> str:
    ask = TrainAsk(dataset=record.dataset, base=record.base, trigger=record.trigger, recipe=record.recipe)
    return asked_id(ask)


def _answers(record: Record, job: Job) -> bool:
    match job.ask, record:
        case IntakeAsk() as ask, IntakeRecord():
            return (record.asked, record.source) == (job.id, ask.source)
        case TrainAsk(), TrainRecord():
            return record.asked == _asked_of(record) == job.id
        case GenerateAsk() as ask, ChunkRecord():
            return (record.id, record.plan, record.start, record.stop) == (job.id, ask.plan, ask.start, ask.stop)
        case _:
            return False


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'it says nothing'}"
