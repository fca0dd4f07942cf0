"""Chooses who does what and keeps the leases: events in, instructions out. Pure: no clock, no store, no worker is touched here.

Its memory can be rebuilt at any time from what workers hold, what owners want and what the store has recorded. It believes in
DONE only when the store does, and frees work only when a lease has run out or its worker is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cluster import attempts, policy
from cluster.book import LEASE_SECONDS, Book
from cluster.entries import Entry, WorkerEntry
from cluster.instructions import Begin, Found, Instruction, Look, Moment, RecordFailure, RecordRetry, Stop
from cluster.ports import EventBatch, EventKind, Held, Hello, KnownOwner, Origin, WantedSet, WorkEvent
from jobs.errors import NotFound, StaleTerm
from jobs.lifecycle import JobState
from jobs.spec import Job

STRANGER_SECONDS = 90.0
"""How long held work that no owner asks for goes on after the first owner has spoken: owners speak every 30 s."""


@dataclass(frozen=True)
class _Owner:
    generation: int
    jobs: frozenset[str]
    origin: Origin


class Dispatcher:
    """The state machine. Every method that changes something takes the moment and returns what is to be done."""

    def __init__(self) -> None:
        self.book = Book()
        self._owners: dict[str, _Owner] = {}
        self._terms: dict[str, int] = {}  # the newest term of the controllers of each lease
        self._first_word: float | None = None

    # What owners and people say.

    def want(self, owner: str, wanted: WantedSet, at: Moment) -> list[Instruction]:
        """An owner states all that it wants: new jobs wait, absent ones are cancelled unless another owner wants them.

        The same set twice is harmless; a set of an older generation is late and changes nothing. Generation 0 is outside
        of that order: a manifest that is gone withdraws everything so. Raises StaleTerm.
        """
        self.heed_term(wanted.lease, wanted.term)
        before = self._owners.get(owner, _Owner(0, frozenset(), Origin()))
        if 0 < wanted.generation < before.generation:
            return []
        if self._first_word is None:
            self._first_word = at.steady
        jobs = {job.id: job for job in wanted.jobs}
        generation = max(wanted.generation, before.generation)
        self._owners[owner] = _Owner(generation, frozenset(jobs), wanted.origin)
        withdrawn = [stop for job in sorted(before.jobs - jobs.keys()) for stop in self._withdraw(owner, job, at)]
        holders = self.book.holders()
        return withdrawn + [look for job in jobs.values() for look in self._want_one(owner, job, holders, at)]

    def heed_term(self, lease: str, term: int) -> None:
        """A controller speaks. Raises StaleTerm where a later one has spoken: what it says is not done any more."""
        newest = self._terms.get(lease, 0)
        if term < newest:
            raise StaleTerm(
                f"A controller of term {term} spoke, but one of term {newest} leads.",
                hint="It has lost its lease and must end; the one that leads goes on.",
            )
        self._terms[lease] = term

    def owners(self) -> tuple[KnownOwner, ...]:
        """Everyone who wants something, sorted by uid."""
        return tuple(KnownOwner(uid=uid, origin=one.origin) for uid, one in sorted(self._owners.items()) if one.jobs)

    def wanted_by(self, owner: str) -> frozenset[str]:
        """The ids that an owner wants. Raises NotFound for an owner that has not spoken in this epoch."""
        if owner not in self._owners:
            raise NotFound(f"Nobody of uid {owner} has asked for anything.", hint="Its controller speaks every 30 s.")
        return self._owners[owner].jobs

    def entry(self, job: str) -> Entry:
        """What is remembered of a job. Raises NotFound for one that nobody wants."""
        if job not in self.book.jobs:
            raise NotFound(f"No job {job[:12]} is wanted.", hint="See `brandfarm status` for the jobs that are.")
        return self.book.jobs[job]

    def retry(self, job: str, at: Moment) -> list[Instruction]:
        """A person asks for new attempts at a failed job, or for an end of its rest. Raises NotFound."""
        entry = self.entry(job)
        entry.rests_until, entry.cancelled = 0.0, None
        if entry.state is not JobState.FAILED:
            self.book.line_up(entry, at)
            return []
        entry.strikes = entry.losses = 0
        self.book.move(entry, JobState.WAITING)
        self.book.line_up(entry, at)
        return [RecordRetry(job, entry.attempt)]

    def cancel(self, job: str, by: str, reason: str, at: Moment) -> list[Instruction]:
        """A person says that a job shall not be done, until somebody asks for a retry. Raises NotFound.

        What is done or has failed stays so. While the store is being asked whether it is done, the word waits for the answer.
        """
        entry = self.entry(job)
        if entry.state in (JobState.DONE, JobState.FAILED):
            return []
        entry.cancelled = attempts.cancellation(by, reason)
        return self._cancel_if_due(entry, at)

    def _cancel_if_due(self, entry: Entry, at: Moment) -> list[Instruction]:
        trouble = entry.cancelled
        if trouble is None or not entry.is_looked_up or entry.finished_attempt is not None:
            return []
        if entry.state not in (JobState.WAITING, JobState.LEASED):
            entry.cancelled = None
            return []
        return self._stop_leased(entry, at) + attempts.cancel(self.book, entry, trouble, at)

    def _stop_leased(self, entry: Entry, at: Moment) -> list[Instruction]:
        return [] if entry.lease is None else self._stop(entry.lease.worker, entry.id, at)

    def _want_one(self, owner: str, job: Job, holders: dict[str, str], at: Moment) -> list[Instruction]:
        entry = self.book.jobs.get(job.id)
        if entry is None:
            self.book.jobs[job.id] = entry = Entry(job.id, at.steady, {owner: job})
            if job.id in holders:
                worker = self.book.workers[holders[job.id]]
                self._adopt(entry, worker, worker.held[job.id], at)
            return [Look(job)]
        known = entry.wanted_by.get(owner)
        if known is None or known.placement != job.placement or known.hints != job.hints:
            entry.wanted_by[owner] = job
            self._choose_again(entry, at)
        return []

    def _withdraw(self, owner: str, job: str, at: Moment) -> list[Instruction]:
        entry = self.book.jobs[job]
        del entry.wanted_by[owner]
        if entry.wanted_by:
            self._choose_again(entry, at)
            return []
        stops: list[Instruction] = []
        if entry.lease is not None:
            stops = self._stop(entry.lease.worker, job, at)
            self.book.release(entry, at)
        if entry.state in (JobState.WAITING, JobState.LEASED):
            self.book.move(entry, JobState.CANCELLED)
        self.book.forget(entry)
        return stops

    def _choose_again(self, entry: Entry, at: Moment) -> None:
        entry.choose()
        if entry.id in self.book.queue:
            self.book.line_up(entry, at)

    # What workers say, and what is not heard from them.

    def met(self, hello: Hello, at: Moment) -> list[Instruction]:
        """A worker said who it is: wanted work that it holds goes on under a lease, other work is stopped."""
        known = self.book.workers.get(hello.worker)
        lost: list[Instruction] = []
        if known is not None and known.incarnation != hello.incarnation:
            lost, known = self.gone(hello.worker, at), None
        worker = known or WorkerEntry(hello.worker, hello.incarnation, hello.offer)
        self.book.workers[hello.worker] = worker
        worker.answers, worker.offer = True, hello.offer
        return lost + self._compare_held(worker, hello.held, at)

    def told(self, name: str, batch: EventBatch, at: Moment) -> list[Instruction]:
        """A worker's long poll answered: the leases of what it holds are renewed, and its news are taken in.

        An answer of a new incarnation means that the one we knew is gone; say hello again.
        """
        worker = self.book.workers.get(name)
        if worker is None or worker.incarnation != batch.incarnation:
            return self.gone(name, at)
        worker.answers, worker.offer = True, batch.offer
        instructions = self._compare_held(worker, batch.held, at)
        for event in batch.events:
            if event.number > worker.last_event:
                worker.last_event = event.number
                instructions += self._take_in(worker, event, at)
        return instructions

    def heard_of(self, name: str) -> int | None:
        """The number of a worker's last event that was taken in; None where the worker is not known."""
        worker = self.book.workers.get(name)
        return None if worker is None else worker.last_event

    def silent(self, name: str) -> None:
        """A worker does not answer: it gets no new work, and keeps its leases until they run out."""
        if name in self.book.workers:
            self.book.workers[name].answers = False

    def gone(self, name: str, at: Moment) -> list[Instruction]:
        """A worker is no more: its leases are lost at once."""
        worker = self.book.workers.get(name)
        if worker is None:
            return []
        lost = [
            one for job in list(worker.leases) for one in attempts.lose(self.book, self.book.jobs[job], "is gone", at)
        ]
        del self.book.workers[name]
        for job in list(self.book.stopping):
            self.book.has_let_go(job, name, at)
        return lost

    def refused(self, begin: Begin, at: Moment) -> None:
        """An order to begin did not reach its worker: the job waits again, and that counts as nothing."""
        self.silent(begin.worker)
        if self.stands(begin):
            self.book.wait_again(self.book.jobs[begin.job.id], at)

    def stands(self, begin: Begin) -> bool:
        """Whether the lease for which an order was given still stands."""
        entry = self.book.jobs.get(begin.job.id)
        lease = entry.lease if entry else None
        return lease is not None and (lease.worker, lease.attempt) == (begin.worker, begin.attempt)

    def _compare_held(self, worker: WorkerEntry, held: Iterable[Held], at: Moment) -> list[Instruction]:
        worker.held = {one.job: one for one in held}
        for job in [job for job, workers in self.book.stopping.items() if worker.name in workers]:
            if job not in worker.held:
                self.book.has_let_go(job, worker.name, at)
        return [stop for one in worker.held.values() for stop in self._judge_held(worker, one, at)]

    def _judge_held(self, worker: WorkerEntry, held: Held, at: Moment) -> list[Instruction]:
        entry = self.book.jobs.get(held.job)
        if entry is None:
            is_asked_to_stop = held.job in self.book.stopping
            return (
                self._stop(worker.name, held.job, at, at_checkpoint=True)
                if is_asked_to_stop or self._all_spoke(at)
                else []
            )
        if entry.state is JobState.WAITING:
            self._adopt(entry, worker, held, at)
            return []
        if entry.lease is not None and entry.lease.worker == worker.name:
            entry.lease.attempt, entry.lease.expires = held.attempt, at.steady + LEASE_SECONDS
            return []
        if entry.finished_attempt is not None:
            return []
        return self._stop(worker.name, held.job, at)

    def _adopt(self, entry: Entry, worker: WorkerEntry, held: Held, at: Moment) -> None:
        if entry.id not in self.book.stopping:
            self.book.grant(entry, worker, held.attempt, at)

    def _all_spoke(self, at: Moment) -> bool:
        return self._first_word is not None and at.steady - self._first_word > STRANGER_SECONDS

    def _stop(self, worker: str, job: str, at: Moment, *, at_checkpoint: bool = False) -> list[Instruction]:
        """Tell a worker to let go, if it was not told already: a long turn may delay it. A lost order is given again later."""
        if worker in self.book.stopping.get(job, {}):
            return []
        self.book.let_go(job, worker, at)
        return [Stop(worker, job, at_checkpoint)]

    def _take_in(self, worker: WorkerEntry, event: WorkEvent, at: Moment) -> list[Instruction]:
        entry = self.book.jobs.get(event.job)
        lease = entry.lease if entry else None
        if entry is None or lease is None or (lease.worker, lease.attempt) != (worker.name, event.attempt):
            return self._hear_stranger(entry, event, at)
        match event.kind:
            case EventKind.PROGRESS:
                lease.first_told = lease.first_told or (at.steady, event.done)
                entry.done, entry.total, entry.facts = event.done, event.total or entry.total, event.facts
                return []
            case EventKind.FINISHED:
                self.book.release(entry, at)
                entry.finished_attempt = event.attempt
                return [Look(entry.job, event.attempt)]
            case EventKind.YIELDED:
                self.book.wait_again(entry, at)
                return []
            case EventKind.FAILED:
                return attempts.fail(self.book, entry, event.attempt, attempts.trouble_of(event), at)

    def _hear_stranger(self, entry: Entry | None, event: WorkEvent, at: Moment) -> list[Instruction]:
        """News of an attempt without a lease move no state; what it made or why it failed may still be known from it."""
        if event.kind is EventKind.FAILED:
            return [RecordFailure(event.job, event.attempt, attempts.trouble_of(event), at.wall)]
        if event.kind is EventKind.FINISHED and entry is not None and entry.state is not JobState.DONE:
            return [Look(entry.job, event.attempt)]
        return []

    # What the store says.

    def looked(self, look: Look, found: Found, at: Moment) -> list[Instruction]:
        """The store told what became of a job: a record means DONE, whoever made it."""
        entry = self.book.jobs.get(look.job.id)
        if entry is None or entry.state is JobState.DONE:
            return []
        if found.record:
            return self._finish(entry, at)
        if look.finished_attempt is None:
            return self._learn(entry, found, at)
        if look.finished_attempt != entry.finished_attempt:
            return []
        trouble = attempts.without_record(look.finished_attempt)
        failed = attempts.fail(self.book, entry, look.finished_attempt, trouble, at)
        return failed + self._cancel_if_due(entry, at)

    def _learn(self, entry: Entry, found: Found, at: Moment) -> list[Instruction]:
        attempts.learn(self.book, entry, found, at)
        if entry.lease is None or found.trouble is None or found.trouble.reason != attempts.CANCELLED:
            return self._cancel_if_due(entry, at)
        # An earlier dispatcher was told to cancel it, and the worker that holds it never heard of that.
        stops = self._stop_leased(entry, at)
        attempts.stay_cancelled(self.book, entry, found.trouble, at)
        return stops

    def _finish(self, entry: Entry, at: Moment) -> list[Instruction]:
        stops = self._stop_leased(entry, at)
        self.book.release(entry, at)
        entry.finished_attempt, entry.trouble, entry.cancelled, entry.done = None, None, None, entry.total
        self.book.move(entry, JobState.DONE)
        return stops

    # What time brings.

    def tick(self, at: Moment) -> list[Instruction]:
        """Leases that have run out are lost, jobs that have rested line up, orders to stop that had no effect are forgotten."""
        leased = [self.book.jobs[job] for worker in self.book.workers.values() for job in worker.leases]
        expired = [entry for entry in leased if entry.lease and entry.lease.expires <= at.steady]
        lost = [
            one
            for entry in expired
            for one in attempts.lose(self.book, entry, f"was silent for {LEASE_SECONDS:.0f} s", at)
        ]
        for job, worker in self.book.vain_stops(at):
            self.book.has_let_go(job, worker, at)
        for job in list(self.book.resting):
            self.book.line_up(self.book.jobs[job], at)
        self.book.shares.forget_old(at.steady)
        return lost

    def excuse(self, seconds: float) -> None:
        """The dispatcher itself was held up for so long: no worker could renew its leases, so none is blamed."""
        for entry in self.book.jobs.values():
            if entry.lease is not None:
                entry.lease.expires += seconds

    def place(self, at: Moment) -> list[Instruction]:
        """Lease waiting jobs to the workers that have room, as the policy says."""
        placed = policy.place(self.book.queue, self.book.rooms(), self.book.shares, at)
        return [self._begin(self.book.jobs[job], self.book.workers[worker], at) for job, worker in placed]

    def _begin(self, entry: Entry, worker: WorkerEntry, at: Moment) -> Begin:
        self.book.grant(entry, worker, entry.attempt + 1, at, is_charged=True)
        return Begin(worker.name, entry.job, entry.attempt)
