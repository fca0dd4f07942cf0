"""The dispatcher under any order of events: hypothesis plays workers, owners, a store and a bad network against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cluster import attempts
from cluster.dispatcher import Dispatcher
from cluster.instructions import Begin, Found, Instruction, Look, RecordFailure, RecordRetry, Stop
from cluster.ports import EventBatch, EventKind, Held, Hello, Offer, Trouble, WantedSet, WorkEvent
from jobs.lifecycle import JobState
from jobs.spec import Job
from tests.cluster.dispatching import TRYING_AGAIN_HELPS, TRYING_AGAIN_IS_VAIN, chunk, moment, training

JOBS = [training(1), training(2, base="base-b"), training(3, project="studio/mugs"), chunk(1), chunk(2, base="base-b")]
WORKERS = ["w1", "w2", "w3"]
OWNERS = ["socks", "mugs"]


@dataclass
class FarWorker:
    """A worker as it truly is, whatever the dispatcher believes."""

    name: str
    incarnation: str
    held: dict[str, int] = field(default_factory=dict)
    news: list[WorkEvent] = field(default_factory=list)

    def tell(self, job: str, kind: EventKind, done: int = 0, trouble: Trouble | None = None) -> None:
        attempt = self.held[job] if kind is EventKind.PROGRESS else self.held.pop(job)
        number = len(self.news) + 1
        self.news.append(
            WorkEvent(number=number, job=job, attempt=attempt, kind=kind, done=done, total=100, trouble=trouble)
        )

    def holding(self) -> tuple[Held, ...]:
        return tuple(Held(job=job, attempt=attempt, epoch=1) for job, attempt in self.held.items())

    def offer(self) -> Offer:
        bases = [job.placement.base for job in JOBS if job.id in self.held]
        rows, chunks = max(0, 3 - len(self.held)), max(0, 2 - len(self.held))
        return Offer(base=bases[0] if bases else "", train_rows=rows, chunks=chunks, intakes=1)

    def answer(self) -> EventBatch:
        return EventBatch(
            incarnation=self.incarnation, events=tuple(self.news), offer=self.offer(), held=self.holding()
        )


class Farm(RuleBasedStateMachine):
    """What the dispatcher asks for may be carried out, be lost, or come late; what it is told may be old or told twice."""

    @initialize()
    def begin_empty(self) -> None:
        self.dispatcher = Dispatcher()
        self.seconds = 0.0
        self.generation = 1
        self.spoke_at: dict[str, int] = {}
        self.births = 0
        self.wants: dict[str, set[str]] = {}
        self.there: dict[str, FarWorker] = {}
        self.old_answers: list[tuple[str, EventBatch]] = []
        self.orders: list[Begin | Stop] = []
        self.looks: list[Look] = []
        self.records: set[str] = set()
        self.failures: dict[str, dict[int, Trouble]] = {}
        self.retried: dict[str, int] = {}
        self.was_done: set[str] = set()

    def heed(self, instructions: list[Instruction]) -> None:
        for one in instructions:
            match one:
                case Begin() | Stop():
                    self.orders.append(one)
                case Look():
                    self.looks.append(one)
                case RecordFailure():
                    self.failures.setdefault(one.job, {}).setdefault(one.attempt, one.trouble)
                case RecordRetry():
                    self.retried[one.job] = one.attempt

    # Owners and people.

    @rule(owner=st.sampled_from(OWNERS), jobs=st.sets(st.sampled_from(range(len(JOBS)))))
    def an_owner_speaks(self, owner: str, jobs: set[int]) -> None:
        self.generation += 1
        self.say(owner, [JOBS[n] for n in sorted(jobs)], self.generation)

    @rule(owner=st.sampled_from(OWNERS))
    def an_owner_says_the_same_again(self, owner: str) -> None:
        known = [job for job in JOBS if job.id in self.wants.get(owner, set())]
        self.say(owner, known, self.generation)

    @rule(owner=st.sampled_from(OWNERS))
    def an_old_set_arrives_late(self, owner: str) -> None:
        if self.spoke_at.get(owner, 0) > 1:
            self.heed(self.dispatcher.want(owner, WantedSet(generation=1), moment(self.seconds)))

    def say(self, owner: str, jobs: list[Job], generation: int) -> None:
        self.wants[owner] = {job.id for job in jobs}
        self.spoke_at[owner] = generation
        self.was_done &= set().union(*self.wants.values())
        self.heed(self.dispatcher.want(owner, WantedSet(generation=generation, jobs=tuple(jobs)), moment(self.seconds)))

    @rule(job=st.sampled_from(JOBS))
    def a_person_asks_for_a_retry(self, job: Job) -> None:
        if job.id in self.dispatcher.book.jobs:
            self.heed(self.dispatcher.retry(job.id, moment(self.seconds)))

    @rule(job=st.sampled_from(JOBS))
    def a_person_cancels(self, job: Job) -> None:
        if job.id in self.dispatcher.book.jobs:
            self.heed(self.dispatcher.cancel(job.id, "lead", "too dark", moment(self.seconds)))

    # Workers.

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_joins_or_is_met_again(self, name: str) -> None:
        if name not in self.there:
            self.births += 1
            self.there[name] = FarWorker(name, f"process-{self.births}")
        self.greet(self.there[name])

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_dies(self, name: str) -> None:
        if self.there.pop(name, None) is not None:
            self.heed(self.dispatcher.gone(name, moment(self.seconds)))

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_restarts_unseen(self, name: str) -> None:
        if name in self.there:
            self.births += 1
            self.there[name] = FarWorker(name, f"process-{self.births}")

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_is_silent(self, name: str) -> None:
        self.dispatcher.silent(name)

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_answers(self, name: str) -> None:
        if name in self.there:
            self.old_answers.append((name, self.there[name].answer()))
            self.hear(name, self.old_answers[-1][1])

    @precondition(lambda self: self.old_answers)
    @rule(data=st.data())
    def an_old_answer_arrives_again(self, data: st.DataObject) -> None:
        name, batch = data.draw(st.sampled_from(self.old_answers))
        shuffled = data.draw(st.permutations(batch.events))
        self.hear(name, batch.model_copy(update={"events": tuple(shuffled)}))

    def hear(self, name: str, batch: EventBatch) -> None:
        self.heed(self.dispatcher.told(name, batch, moment(self.seconds)))

    def greet(self, worker: FarWorker) -> None:
        said = Hello(worker=worker.name, incarnation=worker.incarnation, offer=worker.offer(), held=worker.holding())
        self.heed(self.dispatcher.met(said, moment(self.seconds)))

    @rule(
        name=st.sampled_from(WORKERS),
        what=st.sampled_from(["progress", "finish", "lie", "fail", "fail for good", "yield", "drop"]),
        done=st.integers(1, 100),
    )
    def something_happens_to_held_work(self, name: str, what: str, done: int) -> None:
        worker = self.there.get(name)
        if worker is None or not worker.held:
            return
        job = sorted(worker.held)[0]
        match what:
            case "progress":
                worker.tell(job, EventKind.PROGRESS, done)
            case "finish":
                self.records.add(job)
                worker.tell(job, EventKind.FINISHED)
            case "lie":
                worker.tell(job, EventKind.FINISHED)
            case "fail":
                worker.tell(job, EventKind.FAILED, trouble=TRYING_AGAIN_HELPS)
            case "fail for good":
                worker.tell(job, EventKind.FAILED, trouble=TRYING_AGAIN_IS_VAIN)
            case "yield":
                worker.tell(job, EventKind.YIELDED)
            case "drop":
                del worker.held[job]

    # The engine's part.

    @rule()
    def the_dispatcher_places(self) -> None:
        self.heed(self.dispatcher.place(moment(self.seconds)))

    @precondition(lambda self: self.orders)
    @rule(arrives=st.booleans())
    def the_next_order_is_delivered(self, arrives: bool) -> None:
        self.deliver(self.orders.pop(0), arrives)

    def deliver(self, order: Begin | Stop, arrives: bool) -> None:
        worker = self.there.get(order.worker)
        if isinstance(order, Stop):
            if worker and arrives:
                worker.held.pop(order.job, None)
        elif self.dispatcher.stands(order):
            if worker and arrives:
                worker.held.setdefault(order.job.id, order.attempt)
            else:
                self.dispatcher.refused(order, moment(self.seconds))

    @precondition(lambda self: self.looks)
    @rule(first=st.booleans())
    def the_store_answers(self, first: bool) -> None:
        self.look(self.looks.pop(0 if first else -1))

    def look(self, asked: Look) -> None:
        job = asked.job.id
        told = self.failures.get(job, {})
        struck = [n for n in sorted(told) if n > self.retried.get(job, 0) and told[n].reason != "WorkerLost"]
        found = Found(
            record=job in self.records,
            attempt=max(told, default=0),
            strikes=len(struck),
            trouble=told[struck[-1]] if struck else None,
        )
        self.heed(self.dispatcher.looked(asked, found, moment(self.seconds)))

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, 40.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.seconds += seconds
        self.heed(self.dispatcher.tick(moment(self.seconds)))

    @rule()
    def the_dispatcher_is_killed_and_a_new_one_starts(self) -> None:
        self.dispatcher = Dispatcher()
        self.orders, self.looks = [], []
        self.was_done = set()
        for worker in self.there.values():
            self.greet(worker)
        for owner, jobs in self.wants.items():
            self.say(owner, [job for job in JOBS if job.id in jobs], self.generation)

    # What always holds.

    @invariant()
    def nothing_wanted_is_lost_and_nothing_unwanted_is_kept(self) -> None:
        assert self.dispatcher.book.jobs.keys() == set().union(*self.wants.values())

    @invariant()
    def a_job_has_at_most_one_lease_and_only_while_it_is_leased(self) -> None:
        book = self.dispatcher.book
        of_workers = [(job, worker.name) for worker in book.workers.values() for job in worker.leases]
        of_jobs = [(entry.id, entry.lease.worker) for entry in book.jobs.values() if entry.lease]
        assert sorted(of_workers) == sorted(of_jobs)
        for entry in book.jobs.values():
            is_under_way = entry.lease is not None or entry.finished_attempt is not None
            assert is_under_way == (entry.state is JobState.LEASED)

    @invariant()
    def done_means_a_record_and_never_ends(self) -> None:
        done = {entry.id for entry in self.dispatcher.book.jobs.values() if entry.state is JobState.DONE}
        assert done <= self.records
        assert self.was_done <= done
        self.was_done = done

    @invariant()
    def failed_means_a_trouble(self) -> None:
        for entry in self.dispatcher.book.jobs.values():
            if entry.state is JobState.FAILED:
                assert entry.trouble is not None
                assert not attempts.may_try_again(entry.strikes, entry.trouble) or entry.losses >= attempts.LOSSES

    @invariant()
    def what_a_person_cancelled_is_over_until_it_is_retried(self) -> None:
        for entry in self.dispatcher.book.jobs.values():
            told, retried = self.failures.get(entry.id, {}), self.retried.get(entry.id, 0)
            is_cancelled = any(n > retried and one.reason == attempts.CANCELLED for n, one in told.items())
            if is_cancelled and entry.is_looked_up:
                assert entry.state in (JobState.FAILED, JobState.DONE)

    @invariant()
    def every_lease_is_charged_to_its_project(self) -> None:
        book = self.dispatcher.book
        leases = Counter(entry.lease.project for entry in book.jobs.values() if entry.lease)
        for project, count in leases.items():
            assert book.shares.of(project, moment(self.seconds).steady) >= count

    @invariant()
    def only_ready_jobs_stand_in_line(self) -> None:
        book = self.dispatcher.book
        for entry in book.jobs.values():
            is_ready = (
                entry.state is JobState.WAITING
                and entry.is_looked_up
                and entry.id not in book.stopping
                and entry.id not in book.resting
            )
            assert (entry.id in book.queue) == is_ready

    def teardown(self) -> None:
        """Peace: the store answers, the network works, and a new worker has all the room: every wanted job must end."""
        if not hasattr(self, "dispatcher"):
            return
        for name in list(self.there):
            self.a_worker_dies(name)
        self.births += 1
        self.there["new"] = fresh = FarWorker("new", f"process-{self.births}")
        for _ in range(4 * attempts.ATTEMPTS):
            self.time_passes(400.0)
            while self.looks:
                self.look(self.looks.pop())
            self.greet(fresh)
            self.heed(self.dispatcher.place(moment(self.seconds)))
            while self.orders:
                self.deliver(self.orders.pop(0), arrives=True)
            for job in list(fresh.held):
                self.records.add(job)
                fresh.tell(job, EventKind.FINISHED)
            self.hear("new", fresh.answer())
        ends = {entry.state for entry in self.dispatcher.book.jobs.values()}
        assert ends <= {JobState.DONE, JobState.FAILED}
        self.time_passes(1e5)
        assert all(self.dispatcher.book.shares.of(job.hints.project, 0.0) == 0.0 for job in JOBS), "a charge was left"


TestFarm = Farm.TestCase
TestFarm.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
