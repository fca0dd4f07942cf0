"""The loop around the dispatcher: hears workers, asks the store, carries out what was decided. Decides nothing itself.

Everything runs on one event loop, so that the dispatcher's memory needs no lock; only the store is asked in threads.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import structlog

from cluster import ledger, logs
from cluster.dispatcher import Dispatcher
from cluster.errands import Errands
from cluster.figures import DispatcherFigures, LostBy
from cluster.instructions import Begin, Found, Instruction, Look, Moment, RecordFailure, RecordRetry, Stop
from cluster.ports import CancelOrder, Fleet, JobReport, OwnerReport, Owners, Summary, Wake, WantedSet
from cluster.reports import Reporting
from cluster.wakes import Wakes
from cluster.wishes import Wishes
from jobs import failpoints
from jobs.errors import DispatcherUnavailable, HeadLost, StaleEpoch, WorkerDied, WorkerLost
from jobs.ports import Clock, ObjectStore

log = structlog.get_logger("dispatcher")


@dataclass(frozen=True)
class Pace:
    """How often the engine does what, in seconds."""

    poll: float = 5.0  # the longest that a worker keeps a question open; leases live on its answers
    breath: float = 0.02  # between two questions to one worker, so that a chatty one leaves the CPU to work
    fleet: float = 2.0  # between two looks at which workers there are
    tick: float = 1.0
    away: float = 1.0  # before a silent worker or store is tried again
    charge: float = 5.0  # between two looks at whether another dispatcher took charge
    late: float = 5.0  # a tick later than this means that we were held up, and workers are not to blame
    looks_at_a_time: int = 8


class Engine:
    """Runs a dispatcher over a fleet and a store until another takes charge."""

    def __init__(
        self, fleet: Fleet, store: ObjectStore, clock: Clock, pace: Pace | None = None, wishes: Wishes | None = None
    ) -> None:
        self.epoch = 0
        self.is_ready = False
        self._fleet = fleet
        self._store = store
        self._clock = clock
        self._pace = pace or Pace()
        self._dispatcher = Dispatcher()
        self._sizes = wishes or Wishes({})
        self._wakes = Wakes(first=int(clock.now()))  # so that a number of another epoch is no number of ours
        self._figures = DispatcherFigures()
        self._errands = Errands(
            store,
            at_a_time=self._pace.looks_at_a_time,
            away_seconds=self._pace.away,
            tell_answered=lambda answered: self._figures.store_answered(answered, clock.monotonic()),
        )
        self._something_changed = asyncio.Event()
        self._orders: dict[str, asyncio.Queue[Begin | Stop]] = {}
        self._attending: dict[str, asyncio.Task[NoReturn]] = {}

    async def run(self) -> NoReturn:
        """Take charge and dispatch for ever. Raises StaleEpoch when another dispatcher is in charge, HeadLost when Ray's head is gone."""
        claim = json.dumps({"claim": secrets.token_hex(16), "at": self._clock.now()}).encode()
        self.epoch = await self._errands.ask(partial(ledger.take_charge, self._store, claim))
        log.info("in charge", epoch=self.epoch)
        try:
            async with asyncio.TaskGroup() as together:
                self._errands.start(together, self._looked)
                together.create_task(self._watch_fleet(together))
                together.create_task(self._watch_charge())
                together.create_task(self._watch_time())
                together.create_task(self._place())
        except* (StaleEpoch, HeadLost) as ended:
            raise _first(ended) from None
        raise AssertionError("the engine's loops never end")

    def require_charge(self) -> None:
        """Raises DispatcherUnavailable while no epoch has been taken."""
        if not self.epoch:
            raise DispatcherUnavailable("The dispatcher has not taken charge yet.", hint="Ask again in a moment.")

    # What owners and people ask, once it is in charge.

    def want(self, owner: str, wanted: WantedSet) -> OwnerReport:
        """An owner states its whole wanted set, and learns where each job stands. Raises StaleTerm."""
        failpoints.reach("dispatcher.want")
        self._heed(self._dispatcher.want(owner, wanted, self._now()))
        return self.report(owner)

    def owners(self, lease: str, term: int) -> Owners:
        """Everyone who wants something, asked by a controller. Raises StaleTerm; earlier terms are refused from now on."""
        self._dispatcher.heed_term(lease, term)
        return Owners(epoch=self.epoch, owners=self._dispatcher.owners())

    def report(self, owner: str) -> OwnerReport:
        """Where each job of an owner stands. Raises NotFound for one that has not spoken in this epoch."""
        reporting = self._reporting()
        states = {job: reporting.job(self._dispatcher.entry(job)) for job in self._dispatcher.wanted_by(owner)}
        return OwnerReport(epoch=self.epoch, states=states)

    def job(self, job: str) -> JobReport:
        """Where a job stands, and who wants it. Raises NotFound."""
        entry = self._dispatcher.entry(job)
        return self._reporting().job(entry).model_copy(update={"owners": tuple(sorted(entry.wanted_by))})

    def why(self, job: str) -> str:
        """Why a job stands where it does, in one sentence. Raises NotFound."""
        return self._reporting().why(self._dispatcher.entry(job))

    def retry(self, job: str) -> JobReport:
        """Grant a failed job new attempts. Raises NotFound."""
        self._heed(self._dispatcher.retry(job, self._now()))
        return self.job(job)

    def cancel(self, job: str, order: CancelOrder) -> JobReport:
        """End a job until somebody retries it. Raises NotFound."""
        self._heed(self._dispatcher.cancel(job, order.by, order.reason, self._now()))
        return self.job(job)

    def summary(self) -> Summary:
        """The farm at a glance."""
        return self._reporting().summary(self.epoch)

    async def wait_for_change(self, after: int, wait_seconds: float) -> Wake:
        """Returns once something has changed since a number, or after wait_seconds."""
        return Wake(epoch=self.epoch, number=await self._wakes.wait(after, wait_seconds))

    def metrics(self) -> bytes:
        """Its figures and its workers', in Prometheus' text format."""
        return self._figures.text(self._dispatcher.book, self._now(), self.epoch)

    def _reporting(self) -> Reporting:
        return Reporting(self._dispatcher.book, self._now())

    # Workers.

    async def _watch_fleet(self, together: asyncio.TaskGroup) -> NoReturn:
        while True:
            try:
                self._compare_fleet(set(await self._fleet.workers()), together)
                await self._resize_fleet()
            except WorkerLost as lost:
                log.warning("fleet does not answer", error=lost.message)
            await asyncio.sleep(self._pace.fleet)

    def _compare_fleet(self, there: set[str], together: asyncio.TaskGroup) -> None:
        for worker in there - self._attending.keys():
            self._orders[worker] = asyncio.Queue()
            self._attending[worker] = together.create_task(self._attend(worker))
        for worker in self._attending.keys() - there:
            log.info("worker gone", worker=worker)
            self._part_from(worker)
        self.is_ready = True

    def _part_from(self, worker: str) -> None:
        self._attending.pop(worker).cancel()
        self._figures.gone(worker)
        self._heed(self._dispatcher.gone(worker, self._now()))
        del self._orders[worker]

    async def _resize_fleet(self) -> None:
        """Give back workers that nobody needs, and ask for those that are missing. Parted from first, so that none gets work."""
        sized = self._sizes.decide(self._dispatcher.book, self._now())
        if sized is None:
            return
        self._figures.sized(sized.wish)
        for worker in sized.release:
            log.info("worker given back", worker=worker)
            self._part_from(worker)
        for worker in sized.release:
            await self._fleet.release(worker)
        if sized.ask is not None:
            log.info("workers asked for", wish=sized.wish, missing=sorted(sized.ask))
            await self._fleet.wish(sized.ask)

    async def _attend(self, worker: str) -> NoReturn:
        """Bring a worker its orders and hear its news, for as long as it is there.

        No TaskGroup and no gather: both forget that they were cancelled if one of theirs fails at that moment.
        """
        while True:
            both = [asyncio.create_task(self._hear(worker)), asyncio.create_task(self._deliver(worker))]
            try:
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                done.pop().result()
            except WorkerDied as dead:
                log.warning("worker died", worker=worker, error=str(dead))
                self._heed(self._dispatcher.gone(worker, self._now()))
            except WorkerLost as silent:
                log.warning("worker silent", worker=worker, error=str(silent))
                self._dispatcher.silent(worker)
            finally:
                await _end(both)
            await asyncio.sleep(self._pace.away)

    async def _hear(self, worker: str) -> NoReturn:
        hello = await self._fleet.hello(worker, self.epoch)
        log.info("worker met", worker=worker, incarnation=hello.incarnation, held=len(hello.held))
        failpoints.reach("dispatcher.met")
        self._heed(self._dispatcher.met(hello, self._now()))
        while True:
            after = self._dispatcher.heard_of(worker)
            if after is None:
                raise WorkerLost(f"Worker {worker} is a new process.", hint="Its jobs go on as soon as it is met.")
            batch = await self._fleet.events(worker, self.epoch, after, self._pace.poll)
            failpoints.reach("dispatcher.told")
            self._figures.told(worker, batch, self._dispatcher.book)
            self._sizes.told(worker, batch, self._dispatcher.book, self._now())
            self._heed(self._dispatcher.told(worker, batch, self._now()))
            if batch.events:
                self._wakes.progressed(self._clock.monotonic())
            await asyncio.sleep(self._pace.breath)

    async def _deliver(self, worker: str) -> NoReturn:
        orders = self._orders[worker]
        while True:
            order = await orders.get()
            if isinstance(order, Stop):
                failpoints.reach("dispatcher.stop")
                await self._fleet.stop(worker, self.epoch, order.job, order.at_checkpoint)
            elif self._dispatcher.stands(order):
                await self._begin(order)

    async def _begin(self, order: Begin) -> None:
        fields = {**logs.fields_of(order.job), "attempt": order.attempt, "epoch": self.epoch}
        try:
            failpoints.reach("dispatcher.before-begin")
            await self._fleet.begin(order.worker, self.epoch, order.job, order.attempt)
            failpoints.reach("dispatcher.after-begin")
        except WorkerLost:
            log.warning("begin did not arrive", worker=order.worker, **fields)
            self._dispatcher.refused(order, self._now())
            raise
        log.info("begun", worker=order.worker, **fields)

    # Time, charge, store.

    async def _watch_time(self) -> NoReturn:
        before = self._clock.monotonic()
        while True:
            await asyncio.sleep(self._pace.tick)
            now = self._clock.monotonic()
            late, before = now - before - self._pace.tick, now
            self._figures.late(late)
            if late > self._pace.late:
                log.warning("held up", seconds=round(late, 1))
                self._dispatcher.excuse(late)
            failpoints.reach("dispatcher.tick")
            self._heed(self._dispatcher.tick(self._now()), lost_by=LostBy.SILENT)
            self._wakes.tell_progress(now)

    async def _watch_charge(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._pace.charge)
            if await self._errands.ask(partial(ledger.is_deposed, self._store, self.epoch)):
                raise StaleEpoch(
                    f"Another dispatcher has taken epoch {self.epoch + 1}; this one held {self.epoch}.",
                    hint="One dispatcher per store: stop whichever was not meant to start.",
                )

    async def _place(self) -> NoReturn:
        while True:
            await self._something_changed.wait()
            self._something_changed.clear()
            began = self._now()
            begins = self._dispatcher.place(began)
            if begins:
                self._figures.leased(begins, self._dispatcher.book, began)
                self._heed(begins)
            self._figures.cycled(self._clock.monotonic() - began.steady)
            await asyncio.sleep(0)

    def _looked(self, asked: Look, found: Found) -> None:
        failpoints.reach("dispatcher.looked")
        if found.record:
            log.info("done", **logs.fields_of(asked.job), attempt=asked.finished_attempt)
        self._heed(self._dispatcher.looked(asked, found, self._now()))

    # Deeds.

    def _heed(self, instructions: Iterable[Instruction], lost_by: LostBy = LostBy.GONE) -> None:
        for instruction in instructions:
            if isinstance(instruction, RecordFailure):
                self._figures.failed(instruction, lost_by)
            self._carry_out(instruction)
        self._wakes.moved(self._dispatcher.book.moves)
        self._something_changed.set()

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Begin() | Stop():
                self._orders[instruction.worker].put_nowait(instruction)
            case Look():
                self._errands.look(instruction)
            case RecordFailure():
                told = instruction.trouble
                log.warning(
                    "attempt failed",
                    **self._fields_of(instruction.job),
                    attempt=instruction.attempt,
                    reason=told.reason,
                    error=told.message,
                    retryable=told.retryable,
                )
                self._errands.write(instruction)
            case RecordRetry():
                log.info("retry asked", **self._fields_of(instruction.job), attempt=instruction.attempt)
                self._errands.write(instruction)

    def _fields_of(self, job: str) -> dict[str, str]:
        entry = self._dispatcher.book.jobs.get(job)
        return logs.fields_of(entry.job) if entry else {"job": job}

    def _now(self) -> Moment:
        return Moment(steady=self._clock.monotonic(), wall=self._clock.now())


async def _end(tasks: Iterable[asyncio.Task[NoReturn]]) -> None:
    """Cancel tasks until they have ended; what they failed of is not asked any more."""
    for task in tasks:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=1.0)
        if not task.cancelled():
            task.exception()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One error out of a group of them, which may hold groups."""
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
