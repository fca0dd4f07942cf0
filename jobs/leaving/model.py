"""What leaves: one version of a brand with everything that its files say of it, as frozen values. Light: no tensors here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jobs.finish_steps import FinishStep
from jobs.records import TrainRecord, VersionRecord
from jobs.shots import Plan, Recipe


class Format(StrEnum):
    """The forms in which an adapter can leave."""

    DIFFUSERS = "diffusers"
    KOHYA = "kohya"


@dataclass(frozen=True)
class BaseFacts:
    """What a card says of the base: its catalogue name and words, the digest of its files, and what its licence allows."""

    name: str
    family: str
    digest: str
    licence: str
    commercial: bool
    description: str


@dataclass(frozen=True)
class DatasetFacts:
    """What the adapter was learned from: the dataset's id, how many pictures, their captions, and by what right they are used."""

    id: str
    count: int
    captions: tuple[str, ...]
    owner: str
    basis: str


@dataclass(frozen=True)
class Picture:
    """A finished picture of the version's sheet that goes along: its PNG, and the recipe that made it."""

    png: bytes
    recipe: Recipe


@dataclass(frozen=True)
class Model:
    """One version as it leaves; `strength` is the one that its makers recommend, `plan` that of its contact sheet."""

    name: str
    namespace: str
    version: str
    state: str
    concept: str
    class_name: str
    record: TrainRecord
    frozen: VersionRecord | None
    dataset: DatasetFacts
    base: BaseFacts
    plan: Plan
    finish: tuple[FinishStep, ...]
    strength: float
    pictures: tuple[Picture, ...] = ()
    contact_sheet: bytes | None = None

    @property
    def stem(self) -> str:
        """What its files are called: `stable-socks-v3`."""
        return f"{self.name}-{self.version}"

    @property
    def trigger(self) -> str:
        return self.record.trigger

    @property
    def colour_steps(self) -> tuple[FinishStep, ...]:
        """The steps of the finish that map a colour to a colour, wherever it stands in the picture."""
        return tuple(step for step in self.finish if step.grain is None)
