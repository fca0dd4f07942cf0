"""Every version of a brand: what was declared, what changed, what it came to, what people said. Reads records; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cli import farm as farms
from cli import records
from cli.farm import Farm
from jobs import keys
from jobs.errors import NotFound
from jobs.manifests import BrandProject, Review, VersionStatus, version_name
from jobs.ports import ObjectStore
from jobs.records import FailureRecord, TrainRecord, VersionRecord
from jobs.spec import TrainRecipe

SHORT = 12  # digits of a digest that people get to see
TRAINED_STATES = {"trained", "approved", "rejected"}


@dataclass(frozen=True)
class Version:
    """One version: its record, the training's if it ended, how the farm says it stands, changes against the one before."""

    name: str
    record: VersionRecord
    trained: TrainRecord | None
    status: VersionStatus | None
    serves: bool
    pictures: int | None
    changes: tuple[str, ...]
    words: tuple[Review, ...]

    @property
    def state(self) -> str:
        """As the farm says it; of one that its status lists no more, as its records do."""
        if self.status is not None:
            return self.status.state
        return "trained" if self.trained else "training"

    @property
    def gpu_hours(self) -> float | None:
        """Hours of a worker that its steps took, None until it is trained."""
        return None if self.trained is None else self.trained.seconds / 3600


def versions(farm: Farm, project: BrandProject) -> list[Version]:
    """All versions of a brand, oldest first. Raises StoreUnavailable."""
    store, status = farm.store, farms.status_of(project)
    numbered = list(_numbered(store, project.metadata.uid or ""))
    trained = records.many(store, (keys.train(one.asked) for one in numbered), TrainRecord)
    said = {one.version: one for one in status.versions}
    words = farms.reviews(farm, project)
    pictures_of = cache(lambda dataset: records.pictures(store, dataset))
    found: list[Version] = []
    for number, (record, result) in enumerate(zip(numbered, trained, strict=True)):
        name = version_name(record.number)
        before = numbered[number - 1] if number else None
        here = pictures_of(record.dataset)
        found.append(
            Version(
                name=name,
                record=record,
                trained=result,
                status=said.get(name),
                serves=name == status.serving,
                pictures=None if here is None else len(here),
                changes=() if before is None else changes(before, record, pictures_of(before.dataset), here),
                words=tuple(one for one in words if one.spec.version == name),
            )
        )
    return found


def version(farm: Farm, project: BrandProject, name: str) -> Version:
    """One version. Raises NotFound that names those there are."""
    found = versions(farm, project)
    for one in found:
        if one.name == name:
            return one
    there = ", ".join(one.name for one in found) or "none yet"
    raise NotFound(
        f"{project.metadata.name} has no version {name}; there are: {there}.",
        hint=f"See `brandfarm versions {project.metadata.name}`.",
    )


def attempts(store: ObjectStore, one: Version) -> list[FailureRecord]:
    """The attempts at a version's training that failed, oldest first."""
    return records.failures(store, [one.record.asked])


def changes(
    before: VersionRecord,
    after: VersionRecord,
    pictures_before: Mapping[str, str] | None,
    pictures_after: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """What a version declares otherwise than the one before it: `steps 300 -> 400`, `3 pictures more`."""
    words = [("trigger", before.trigger, after.trigger), ("class", before.class_name, after.class_name)]
    return (
        *_dataset_changes(before, after, pictures_before, pictures_after),
        *(f"{what} {old} -> {new}" for what, old, new in words if old != new),
        *([f"base {before.base[:SHORT]} -> {after.base[:SHORT]}"] if before.base != after.base else []),
        *_recipe_changes(before.recipe, after.recipe),
    ) or ("nothing that decides the training",)


def _numbered(store: ObjectStore, uid: str) -> Iterator[VersionRecord]:
    found = records.many(store, store.list(keys.versions(uid)), VersionRecord)
    return (one for one in found if one is not None)


def _dataset_changes(
    before: VersionRecord, after: VersionRecord, old: Mapping[str, str] | None, new: Mapping[str, str] | None
) -> Iterator[str]:
    if before.dataset == after.dataset:
        return
    if old is None or new is None:
        yield f"dataset {before.dataset[:SHORT]} -> {after.dataset[:SHORT]}"
        return
    captioned = sum(old[one] != new[one] for one in old.keys() & new.keys())
    counted = ((len(new.keys() - old.keys()), "picture", "more"), (len(old.keys() - new.keys()), "picture", "fewer"))
    for count, noun, what in (*counted, (captioned, "caption", "changed")):
        if count:
            yield f"{count} {noun}{'' if count == 1 else 's'} {what}"


def _recipe_changes(old: TrainRecipe, new: TrainRecipe) -> Iterator[str]:
    for name in TrainRecipe.model_fields:
        was, becomes = getattr(old, name), getattr(new, name)
        if was != becomes:
            yield f"{name.replace('_', ' ')} {number(was)} -> {number(becomes)}"


def number(value: object) -> str:
    """A recipe's value as people write it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def verdicts(words: Sequence[Review]) -> str:
    """Who said what, in a line: `approve by lead; revise by art [oversaturated]`."""
    return "; ".join(_verdict(word) for word in words)


def _verdict(word: Review) -> str:
    tags = "".join(f" [{tag}]" for tag in word.spec.tags)
    return f"{word.spec.verdict.value} by {word.spec.by}{tags}"
