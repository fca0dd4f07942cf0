"""What a job is: its kind, what is asked (its identity), and hints that do not change the result. Pure.

The id of a job is the digest of its ask; the same ask from two manifests is one job.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs import keys
from jobs.identity import AskedId, content_id
from jobs.shots import Sampling


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class JobKind(StrEnum):
    INTAKE = "intake"
    TRAIN = "train"
    GENERATE = "generate"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class TrainRecipe(Value):
    """Every setting that decides an adapter, defaults already resolved. alpha/rank scales the adapter; resolution in pixels."""

    rank: int = 16
    alpha: float = 16.0
    steps: int = 300
    learning_rate: float = 3.0e-3
    resolution: int = 64
    batch: int = 4
    seed: int = 7
    prior: float = 0.25  # share of each batch that is prior pictures
    caption_dropout: float = 0.05
    min_snr_gamma: float = 5.0
    gradient_clip: float = 1.0
    weight_decay: float = 0.01
    warmup_steps: int = 20
    targets: str = "default"  # which layers of the UNet carry the adapter


class IntakeAsk(Value):
    """Turn a source's pictures and captions into a dataset."""

    kind: Literal[JobKind.INTAKE] = JobKind.INTAKE
    source: str  # upload://<digest> or s3://bucket/prefix
    listing: str  # digest of the sorted (name, size, tag) of its files
    trigger: str
    glossary: dict[str, str] = {}
    min_images: int = 8


class TrainAsk(Value):
    """Train an adapter on a dataset."""

    kind: Literal[JobKind.TRAIN] = JobKind.TRAIN
    dataset: str
    base: str
    trigger: str
    recipe: TrainRecipe


class GenerateAsk(Value):
    """Draw the shots [start, stop) of the plan whose JSON stands under a blob digest."""

    kind: Literal[JobKind.GENERATE] = JobKind.GENERATE
    plan: str
    start: int
    stop: int
    rerun: int = Field(default=0, exclude_if=lambda number: number == 0)  # the same shots again, where some had failed


Ask = Annotated[IntakeAsk | TrainAsk | GenerateAsk, Field(discriminator="kind")]


class Samples(Value):
    """Pictures to make while training: at which prompts, seeds and sampling, and every how many steps (0: never)."""

    every: int = 0
    prompts: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    sampling: Sampling = Sampling()


class Hints(Value):
    """What a job's worker may know that does not change its result."""

    project: str = ""  # namespace/name, for logs
    version: str = ""
    samples: Samples = Samples()
    checkpoint_every: int = 50  # steps


class Placement(Value):
    """Where and how soon a job should be done. deadline in seconds since 1970 UTC."""

    queue: str = "default"
    priority: Priority = Priority.NORMAL
    gpu_classes: tuple[str, ...] = ("any",)
    deadline: float | None = None
    base: str = ""  # digest of the base it needs resident; empty where it needs none


class Job(Value):
    """One unit of work."""

    ask: Ask
    placement: Placement = Placement()
    hints: Hints = Hints()

    @property
    def kind(self) -> JobKind:
        return self.ask.kind

    @cached_property
    def id(self) -> AskedId:
        """64 hex digits over the canonical JSON of what is asked."""
        return asked_id(self.ask)

    @property
    def record_key(self) -> str:
        """Where this job's one result stands once it is done."""
        place = {JobKind.INTAKE: keys.intake, JobKind.TRAIN: keys.train, JobKind.GENERATE: keys.chunk}[self.kind]
        return place(self.id)


def asked_id(ask: IntakeAsk | TrainAsk | GenerateAsk) -> AskedId:
    """The identity of what is asked."""
    return AskedId(content_id(f"{ask.kind.value}/1", ask.model_dump(mode="json", exclude={"kind"})))
