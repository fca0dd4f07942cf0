"""What the dispatcher remembers of each job and each worker. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster import policy
from cluster.ports import Held, JobReport, Offer, Trouble, WorkerReport
from cluster.queue import Shape, shape_of
from jobs import lifecycle
from jobs.lifecycle import JobState
from jobs.spec import Job, JobKind, Priority


@dataclass
class Lease:
    """A worker's time-limited right to a job; `expires` in steady seconds, `project` is charged for it."""

    worker: str
    attempt: int
    expires: float
    project: str
    began: float = 0.0  # steady seconds
    first_told: tuple[float, int] | None = None  # steady seconds of the first news, and how far it was then

    def remaining_seconds(self, done: int, total: int, now: float) -> float | None:
        """How long it should still take at the pace that it has had; None while that is not known."""
        if self.first_told is None:
            return None
        since, first = self.first_told
        return (total - done) * (now - since) / (done - first) if done > first else None


@dataclass
class Entry:
    """A wanted job. It is in the queue only while it waits, has been looked for in the store, and is not held back."""

    id: str
    since: float  # steady seconds when it was first wanted
    wanted_by: dict[str, Job]  # by owner
    state: JobState = JobState.WAITING
    lease: Lease | None = None
    is_looked_up: bool = False
    finished_attempt: int | None = None  # between a worker's word that it is finished and the store's
    rests_until: float = 0.0  # steady seconds; a failed attempt is not repeated at once
    attempt: int = 0  # the highest number given so far
    strikes: int = 0  # attempts that failed since the last retry
    losses: int = 0  # attempts lost with their worker, without progress, since the last retry
    best_done: int = 0
    done: int = 0
    total: int = 0
    facts: dict[str, float] = field(default_factory=dict)
    trouble: Trouble | None = None
    cancelled: Trouble | None = None  # a person's word that takes effect once the store has said whether it is done

    def __post_init__(self) -> None:
        self.choose()

    def choose(self) -> None:
        """Let the owner who wants it most decide how it is placed and whose share pays."""
        owner, self.job = min(self.wanted_by.items(), key=lambda wanted: _eagerness(wanted[1]))
        self.project = self.job.hints.project or owner

    def move(self, to: JobState) -> None:
        """Go to another state, if that is lawful."""
        self.state = lifecycle.advance(self.state, to)

    @property
    def shape(self) -> Shape:
        return shape_of(self.job, self.project)

    def report(self, waiting_for: str) -> JobReport:
        """Where the job stands."""
        return JobReport(
            state=self.state.value,
            done=self.done,
            total=self.total,
            facts=self.facts,
            worker=self.lease.worker if self.lease else "",
            attempt=self.attempt if self.lease is None else self.lease.attempt,
            waiting_for=waiting_for,
            trouble=self.trouble,
            kind=self.job.kind.value,
            version=self.job.hints.version,
        )


def _eagerness(job: Job) -> tuple[int, float]:
    rank = (Priority.HIGH, Priority.NORMAL, Priority.LOW).index(job.placement.priority)
    deadline = job.placement.deadline
    return rank, float("inf") if deadline is None else deadline


@dataclass
class WorkerEntry:
    """A worker as it last described itself, and the leases that are its."""

    name: str
    incarnation: str
    offer: Offer
    held: dict[str, Held] = field(default_factory=dict)
    leases: dict[str, Job] = field(default_factory=dict)
    last_event: int = 0
    answers: bool = True

    def room(self) -> policy.Room:
        """What it can take, less what it was given and has not yet counted in its offer."""
        room = policy.room_of(self.name, self.offer)
        room.holds = len(self.held)
        room.is_bound = any(self._may_need_base(job) for job in self.held)
        for job_id, job in self.leases.items():
            if job_id not in self.held:
                room.take(shape_of(job, ""))
        return room

    def _may_need_base(self, job_id: str) -> bool:
        """Whether held work needs the resident base; of a job that nobody has asked for yet, it is assumed."""
        job = self.leases.get(job_id)
        return job is None or job.kind is not JobKind.INTAKE

    def report(self) -> WorkerReport:
        """The worker, for people."""
        return WorkerReport(
            name=self.name,
            alive=self.answers,
            base=self.offer.base,
            gpu_class=self.offer.gpu_class,
            jobs=tuple(sorted(self.held.keys() | self.leases.keys())),
        )
