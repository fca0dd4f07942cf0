"""What the dispatcher, the worker and the controller ask of each other, as values and Protocols. Knows no transport.

A worker does bounded turns of work on a Workbench; a Fleet reaches workers; Manifests holds what people declare.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from jobs.spec import Job
from jobs.work import EventKind as EventKind
from jobs.work import Offer as Offer
from jobs.work import Trouble as Trouble
from jobs.work import Workbench as Workbench
from jobs.work import WorkEvent as WorkEvent


class Value(BaseModel):
    """A frozen value that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Held(Value):
    """A job that a worker says it holds."""

    job: str
    attempt: int
    epoch: int


class Hello(Value):
    """A worker's answer when a dispatcher first meets it."""

    worker: str
    incarnation: str  # new for every process
    offer: Offer
    held: tuple[Held, ...] = ()


class EventBatch(Value):
    """A long poll's answer: events after the number asked for, and what the worker can take now."""

    incarnation: str
    events: tuple[WorkEvent, ...]
    offer: Offer
    held: tuple[Held, ...] = ()
    figures: dict[str, float] = {}  # by jobs.figures.Figure; what only grows is counted since the process began


class Fleet(Protocol):
    """How the dispatcher reaches workers. Raises WorkerLost where one cannot be reached."""

    async def workers(self) -> list[str]:
        """The names of the workers that are there now."""

    async def hello(self, worker: str, epoch: int) -> Hello:
        """Who it is and what it holds. Raises StaleEpoch where it has seen a newer epoch."""

    async def begin(self, worker: str, epoch: int, job: Job, attempt: int) -> None:
        """Give a worker a job."""

    async def events(self, worker: str, epoch: int, after: int, wait_seconds: float) -> EventBatch:
        """Events after a number; waits up to wait_seconds for the first."""

    async def stop(self, worker: str, epoch: int, job: str, at_checkpoint: bool) -> None:
        """Let a worker let go of a job."""

    async def wish(self, workers: Mapping[str, int]) -> None:
        """Ask for nodes: by class, how many workers there should be in all. A class that is not named lacks none."""

    async def release(self, worker: str) -> None:
        """End an idle worker, so that its node may go; it comes back if its class is asked for before that."""

    async def close(self) -> None:
        """Let go of the connection; detached workers live on."""


class JobReport(Value):
    """Where a job stands, for the controller and people."""

    state: str  # lifecycle.JobState
    done: int = 0
    total: int = 0
    facts: dict[str, float] = {}
    worker: str = ""
    attempt: int = 0
    waiting_for: str = ""  # why it is not running, one sentence
    trouble: Trouble | None = None
    kind: str = ""  # spec.JobKind
    version: str = ""  # of its project, where it is of one
    owners: tuple[str, ...] = ()  # the uids of the manifests that want it, where one job was asked about


class CancelOrder(Value):
    """A person's word that a job shall not be done."""

    by: str
    reason: str = ""


class Origin(Value):
    """Where an owner's manifest stands. `home` names the place that manifests are kept in, the same for one controller and its
    successors; a person's own machine has none."""

    home: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class WantedSet(Value):
    """All the jobs that one manifest wants now; what is absent is cancelled.

    `term` grows whenever another controller takes the lead by the same `lease`; 0 where only one can ever be.
    """

    generation: int = 0
    jobs: tuple[Job, ...] = ()
    origin: Origin = Origin()
    lease: str = ""
    term: int = 0


class KnownOwner(Value):
    """A manifest that wants something, as the dispatcher was told."""

    uid: str
    origin: Origin = Origin()


class Owners(Value):
    """Everyone who wants something in this epoch, sorted by uid."""

    epoch: int
    owners: tuple[KnownOwner, ...]


class OwnerReport(Value):
    """The dispatcher's answer: its epoch and each wanted job's report by id."""

    epoch: int
    states: dict[str, JobReport]


class WorkerReport(Value):
    """One worker, for people."""

    name: str
    alive: bool
    base: str
    gpu_class: str
    jobs: tuple[str, ...]


class Summary(Value):
    """The farm at a glance."""

    epoch: int
    waiting: int
    leased: int
    done: int
    failed: int
    workers: tuple[WorkerReport, ...]


class Wake(Value):
    """That something has changed since `number`; a number means nothing in another epoch."""

    epoch: int
    number: int


class Change(Value):
    """A manifest was added, changed or deleted."""

    kind: str
    namespace: str
    name: str
    uid: str
    deleted: bool = False
    resource_version: int


Changes = list[Change]
Names = list[tuple[str, str]]


class Manifests(Protocol):
    """Where declarations live: Kubernetes or SQLite, the same JSON. Documents are dicts with apiVersion, kind, metadata, spec, status."""

    async def list(self, kind: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """All documents of a kind, sorted by namespace and name."""

    async def names(self, kind: str, namespace: str | None = None) -> Names:
        """The namespace and name of every document of a kind, sorted; cheap where there are thousands."""

    async def changes(self, after: int) -> Changes:
        """The newest change of every document above `after`: all that are there, perhaps also some that are gone. Cheap."""

    async def get(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """One document. Raises NotFound."""

    async def create(self, document: dict[str, Any]) -> dict[str, Any]:
        """A new document; fills uid, generation, resourceVersion, creationTimestamp, generateName. Raises Conflict if it exists."""

    async def replace(self, document: dict[str, Any]) -> dict[str, Any]:
        """A new spec for an existing document; generation grows if the spec changed. Raises Conflict where resourceVersion is
        given and not the newest, NotFound where there is none."""

    async def set_status(
        self, kind: str, namespace: str, name: str, uid: str, status: dict[str, Any]
    ) -> dict[str, Any]:
        """Write a status; equal writes change nothing. Raises NotFound where the uid is gone."""

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Drop a document. Raises NotFound."""

    def watch(self, after: int) -> AsyncIterator[Change]:
        """Changes with a resourceVersion above `after`, for ever."""


class Recorder(Protocol):
    """Who hears what befell a manifest, for people who look at it later. Never fails and never delays its caller much."""

    async def tell(
        self, document: dict[str, Any], kind: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Something befell a document; `reason` is one word in CamelCase, the message one sentence."""
