"""Builders for tests of the dispatcher: jobs, moments, workers' words."""

from __future__ import annotations

from cluster.instructions import Moment
from cluster.ports import EventBatch, Held, Hello, Offer, Trouble, WantedSet, WorkEvent
from cluster.queue import Shape
from jobs.spec import GenerateAsk, Hints, IntakeAsk, Job, JobKind, Placement, Priority, TrainAsk, TrainRecipe
from jobs.work import EventKind

ROOMY = Offer(base="", train_rows=4, chunks=2, intakes=1)
TRYING_AGAIN_HELPS = Trouble(reason="OutOfMemory", message="No room.", retryable=True)
TRYING_AGAIN_IS_VAIN = Trouble(reason="Diverged", message="The loss is not a number.")


def moment(seconds: float) -> Moment:
    """A moment some seconds after the start of a test."""
    return Moment(steady=1000.0 + seconds, wall=1_800_000_000.0 + seconds)


def training(number: int, *, base: str = "base-a", project: str = "studio/socks", **placement: object) -> Job:
    """One of many trainings; the number makes it what it is."""
    ask = TrainAsk(dataset=f"{number:064x}", base=base, trigger="zigzag", recipe=TrainRecipe())
    return Job(
        ask=ask,
        placement=Placement.model_validate({"base": base, **placement}),
        hints=Hints(project=project),
    )


def chunk(number: int, *, base: str = "base-a", project: str = "studio/socks", **placement: object) -> Job:
    """One of many chunks of a campaign."""
    return Job(
        ask=GenerateAsk(plan="p" * 64, start=number * 16, stop=number * 16 + 16),
        placement=Placement.model_validate({"base": base, **placement}),
        hints=Hints(project=project),
    )


def intake(number: int) -> Job:
    """One of many intakes."""
    return Job(ask=IntakeAsk(source="upload://x", listing=f"{number:064x}", trigger="zigzag"))


def shape(
    *,
    kind: JobKind = JobKind.TRAIN,
    priority: Priority = Priority.NORMAL,
    deadline_in: float | None = None,
    project: str = "studio/socks",
    base: str = "base-a",
    gpu_classes: tuple[str, ...] = ("any",),
) -> Shape:
    """A shape; its deadline lies so many seconds after `moment(0)`."""
    deadline = None if deadline_in is None else moment(deadline_in).wall
    return Shape(kind, priority, deadline, project, base, gpu_classes)


def wanted(*jobs: Job, generation: int = 1) -> WantedSet:
    """A set that an owner wants."""
    return WantedSet(generation=generation, jobs=jobs)


def held(job: Job, attempt: int = 1) -> Held:
    """A worker's word that it holds a job."""
    return Held(job=job.id, attempt=attempt, epoch=1)


def hello(worker: str, *holding: Held, offer: Offer = ROOMY, incarnation: str = "first") -> Hello:
    """A worker's first word."""
    return Hello(worker=worker, incarnation=incarnation, offer=offer, held=holding)


def answer(
    *events: WorkEvent, holding: tuple[Held, ...] = (), offer: Offer = ROOMY, incarnation: str = "first"
) -> EventBatch:
    """A worker's answer to the long poll."""
    return EventBatch(incarnation=incarnation, events=events, offer=offer, held=holding)


def event(
    number: int,
    job: Job,
    kind: EventKind,
    *,
    attempt: int = 1,
    done: int = 0,
    total: int = 0,
    trouble: Trouble | None = None,
) -> WorkEvent:
    """One piece of news."""
    return WorkEvent(number=number, job=job.id, attempt=attempt, kind=kind, done=done, total=total, trouble=trouble)
