"""What is written once into the store when something has been made, or could not be. Shapes only; who writes them is elsewhere.

Records are JSON under 64 KiB and name their inputs and outputs by digest. Unknown fields are kept out, `writeId` aside.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from jobs.shots import Recipe
from jobs.spec import TrainRecipe


class Record(BaseModel):
    """The head of every record. `made` says with what it was made: versions, device, numerics class."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    writeId: str = ""
    made: dict[str, Any] = {}


class Picture(BaseModel):
    """One picture of a dataset: its PNG's blob, its decoded pixels' digest, its size in pixels, its caption."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    image: str
    pixels: str
    width: int
    height: int
    caption: str


class SetAside(BaseModel):
    """A file that intake did not take, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    reason: str


class DatasetRecord(Record):
    """A dataset: sorted pictures with captions. `pictures` names a blob: the JSON list of Picture."""

    id: str
    pictures: str
    count: int


class IntakeRecord(Record):
    """Which dataset a source became. `set_aside` names a blob: the JSON list of SetAside, whose first few stand here too."""

    asked: str
    source: str
    dataset: str
    count: int
    set_aside: str
    set_aside_count: int
    first_aside: list[SetAside] = []


class Sample(BaseModel):
    """A picture made during training: step, prompt, seed, and its PNG's blob."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    step: int
    prompt: str
    seed: int
    image: str


class TrainRecord(Record):
    """A trained adapter: its safetensors blob in diffusers/PEFT keys, its loss curve and samples as blobs."""

    asked: str
    dataset: str
    base: str
    trigger: str
    recipe: TrainRecipe
    adapter: str
    rank: int
    targets: list[str]
    final_loss: float
    losses: str  # blob: JSON list of [step, loss]
    samples: str  # blob: JSON list of Sample
    attempts: int = 1
    seconds: float = 0.0  # its own share of the worker's time: a fused step counts in part for each of its trainings


class ImageRecord(Record):
    """A finished image: the digest of its PNG, its size in bytes, and the recipe that decides it."""

    recipe_hash: str
    recipe: Recipe
    digest: str
    size: int
    numerics: str


class ShotFailure(BaseModel):
    """A shot of a chunk that could not be drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    index: int
    reason: str
    message: str


class ChunkRecord(Record):
    """What a chunk came to: how many images were drawn, how many stood already, which could not be."""

    id: str
    plan: str
    start: int
    stop: int
    drawn: int
    reused: int
    failures: list[ShotFailure] = []
    seconds: float = 0.0  # its own share of the worker's time: a batch counts in part for each of its shots
    elapsed: float = 0.0  # from its lease to its record
    ended: float = 0.0  # seconds since 1970; 0 where nobody noted it


class FailureRecord(Record):
    """Why an attempt at an asked thing failed, and whether trying again can help."""

    asked: str
    attempt: int
    reason: str
    message: str
    hint: str = ""
    retryable: bool = False
    at: float = 0.0  # seconds since 1970; 0 where nobody noted it
    seconds: float | None = None  # its share of a worker's time, where that is known


class BaseRecord(Record):
    """A base model in the store: the digests and sizes (in bytes) of its files by relative path, and what they are.

    resolution in pixels. What it is called and on which terms it may be used is the catalogue's word.
    """

    digest: str
    family: str
    resolution: int
    files: dict[str, str]
    sizes: dict[str, int]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(self.sizes.values())


class CatalogueRecord(Record):
    """What a name of the catalogue means from its n-th time on, where that came from, and on which terms it may be used."""

    name: str
    number: int
    digest: str
    licence: str  # an SPDX id, or its name in words
    commercial: bool
    description: str
    source: str
    added: float  # seconds since 1970


class VersionRecord(Record):
    """Version n of a project: the declaration, frozen, and what it resolved to."""

    project_uid: str
    number: int
    declaration: str  # digest of the declaration's canonical JSON
    dataset: str
    base: str
    trigger: str
    class_name: str
    recipe: TrainRecipe
    asked: str  # the training's id
    created: float
    licence: str = ""  # the base's, as the catalogue said it then
    origin: dict[str, str] = {}  # home, kind, namespace and name of the manifest, where it has a home


class CampaignRecord(Record):
    """What a campaign resolved to at its start: the plan's blob, its count of shots, and its chunks' size."""

    uid: str
    plan: str
    count: int
    chunk: int
    looks: list[dict[str, str]]  # label, project, version
    created: float
    origin: dict[str, str] = {}  # as a version's


class RerunRecord(Record):
    """That a person asked for the failed shots of a campaign's chunks once more. `ranges`: of the frozen order, whole chunks."""

    uid: str
    number: int
    ranges: list[tuple[int, int]]
    by: str
    created: float
