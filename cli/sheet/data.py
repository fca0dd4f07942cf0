"""What a contact sheet shows, as frozen values: pictures by digest, their recipes, words said so far. Knows no store and no page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jobs.records import TrainRecord
from jobs.shots import Plan, Recipe

BASE = "base"


@dataclass(frozen=True)
class Image:
    """A picture that is there: the digest of its PNG, its width and height in pixels."""

    digest: str
    width: int
    height: int


@dataclass(frozen=True)
class Cell:
    """One place of the sheet: prompt x seed, by the base or by a version.

    `finished` is the picture as it is delivered, `raw` the one before its finish; where there is no finish, `raw` is None.
    `missing` says why `finished` is not there.
    """

    look: str  # BASE, or a version such as v2
    prompt: int  # index in the sheet's plan
    seed: int
    recipe: Recipe
    finished: Image | None = None
    raw: Image | None = None
    missing: str = ""

    @property
    def strength(self) -> float:
        """How much of the adapter: 0 for the base alone."""
        return self.recipe.adapters[0].strength if self.recipe.adapters else 0.0

    @property
    def place(self) -> tuple[str, int]:
        """What compares across looks: the words of the prompt, and the seed."""
        return self.recipe.prompt, self.seed


@dataclass(frozen=True)
class Reference:
    """A picture that the brand was learned from, with its caption."""

    image: Image
    caption: str


@dataclass(frozen=True)
class Sample:
    """A picture drawn while the version was trained."""

    step: int
    prompt: str
    seed: int
    image: Image


@dataclass(frozen=True)
class Training:
    """How a version was trained: its record, its curve as (step, loss), its samples by step."""

    record: TrainRecord
    losses: tuple[tuple[int, float], ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Word:
    """What somebody has said of a version; `shots` by (prompt, seed)."""

    by: str
    verdict: str
    tags: tuple[str, ...]
    note: str
    when: str
    shots: Mapping[tuple[int, int], str]


@dataclass(frozen=True)
class VersionSheet:
    """One version on the sheet: its pictures beside those of the base, drawn from one plan."""

    name: str
    state: str
    is_serving: bool
    trained: str
    approvals: int
    plan: Plan
    base: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    training: Training | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class SheetData:
    """A brand's contact sheet. `pictures` holds the PNGs by digest; `missing` says in sentences what could not be shown."""

    namespace: str
    project: str
    uid: str
    concept: str
    trigger: str
    class_name: str
    palette: tuple[str, ...]
    tags: tuple[str, ...]
    approvals_needed: int
    references: tuple[Reference, ...]
    reference_count: int  # of the whole dataset
    versions: tuple[VersionSheet, ...]  # oldest first
    missing: tuple[str, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def newest(self) -> VersionSheet:
        """The version that the sheet opens with."""
        return self.versions[-1]

    def version(self, name: str) -> VersionSheet:
        """The version of that name. Raises KeyError."""
        return {version.name: version for version in self.versions}[name]

    def cells(self) -> Iterator[Cell]:
        """All places of all versions, the base's first in each."""
        for version in self.versions:
            yield from version.base
            yield from version.cells
