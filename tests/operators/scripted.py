"""A dispatcher whose workers are a script: every turn, waiting jobs are taken, and taken jobs get their record.

It answers through the port that the controller sees, epoch and wakes included; records are published as a worker does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from cluster.ports import JobReport, KnownOwner, Origin, OwnerReport, Owners, Trouble, Wake, WantedSet
from jobs import publish
from jobs.errors import DispatcherUnavailable, StaleTerm
from jobs.lifecycle import JobState
from jobs.ports import ObjectStore
from jobs.records import Record
from jobs.spec import Job, JobKind
from tests import builders

RESULTS: dict[JobKind, Callable[[Job], Record]] = {
    JobKind.INTAKE: builders.intake_record,
    JobKind.TRAIN: builders.train_record,
    JobKind.GENERATE: builders.chunk_record,
}


class ScriptedDispatcher:
    """Remembers what it was handed; `failing` kinds fail for good instead of getting a record."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._states: dict[str, JobState] = {}
        self._changed = asyncio.Event()
        self.epoch, self.number = 1, 1
        self.is_up = True
        self.waiting_for = "No worker is free."
        self.failing: set[JobKind] = set()
        self.wanted: dict[str, dict[str, Job]] = {}
        self.origins: dict[str, Origin] = {}
        self.newest_term = 0
        self.begun: list[Job] = []

    async def put_jobs(self, uid: str, wanted: WantedSet) -> OwnerReport:
        self._require_up()
        self._heed_term(wanted.term)
        self.origins[uid] = wanted.origin
        self.wanted[uid] = {job.id: job for job in wanted.jobs}
        return OwnerReport(epoch=self.epoch, states={job.id: self._report(job) for job in wanted.jobs})

    async def owners(self, lease: str = "", term: int = 0) -> Owners:
        self._require_up()
        self._heed_term(term)
        known = (KnownOwner(uid=uid, origin=self.origins[uid]) for uid, jobs in self.wanted.items() if jobs)
        return Owners(epoch=self.epoch, owners=tuple(known))

    async def events(self, after: int, wait: float) -> Wake:
        self._require_up()
        if self.number == after:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()
        self._require_up()
        return Wake(epoch=self.epoch, number=self.number)

    def turn(self) -> bool:
        """Every wanted job goes one step on; whether any did."""
        jobs = {job.id: job for owner in self.wanted.values() for job in owner.values()}
        moved = [job for job in jobs.values() if self._advance(job)]
        if moved:
            self.tell()
        return bool(moved)

    def restart(self) -> None:
        """Another dispatcher takes charge, with an empty memory."""
        self.epoch += 1
        self.wanted, self._states = {}, {}
        self.tell()

    def tell(self) -> None:
        """Wake whoever listens."""
        self.number += 1
        self._changed.set()

    def _heed_term(self, term: int) -> None:
        if term < self.newest_term:
            raise StaleTerm(f"A controller of term {term} spoke, but one of term {self.newest_term} leads.")
        self.newest_term = term

    def _require_up(self) -> None:
        if not self.is_up:
            raise DispatcherUnavailable("The dispatcher does not answer.", hint="Look at its log.")

    def _advance(self, job: Job) -> bool:
        now = self._states.get(job.id, JobState.WAITING)
        if now is JobState.WAITING:
            self.begun.append(job)
            self._states[job.id] = JobState.LEASED
        elif now is JobState.LEASED:
            self._states[job.id] = self._finish(job)
        return now in (JobState.WAITING, JobState.LEASED)

    def _finish(self, job: Job) -> JobState:
        if job.kind in self.failing:
            return JobState.FAILED
        result = RESULTS[job.kind](job)
        publish.record(self._store, job.record_key, result.model_dump(mode="json", exclude={"writeId"}))
        return JobState.DONE

    def _report(self, job: Job) -> JobReport:
        state = self._states.get(job.id, JobState.WAITING)
        trouble = Trouble(reason="Diverged", message="The loss became not a number.") if state == "failed" else None
        waiting_for = self.waiting_for if state is JobState.WAITING else ""
        return JobReport(state=state.value, trouble=trouble, waiting_for=waiting_for)
