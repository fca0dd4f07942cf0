"""The resident worker: takes leased jobs, does bounded turns of work in its own thread, and tells what happened.

Free of Ray and of torch: control calls answer at once from any thread, the Workbench is touched by one thread only.
It refuses orders of an epoch older than one it has seen.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cluster import logs
from cluster.ports import EventBatch, EventKind, Held, Hello, Offer, Trouble, Workbench, WorkEvent
from jobs import failpoints
from jobs.errors import FarmError, StaleEpoch, StoreUnavailable
from jobs.spec import Job, JobKind

BACK_OFF_SECONDS = 1.0  # how long to wait before a turn that found the store away is tried again
IDLE_SECONDS = 1.0  # an idle worker looks by itself this often; an order wakes it at once

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class _Begin:
    job: Job
    attempt: int


@dataclass(frozen=True)
class _Stop:
    job: str
    at_checkpoint: bool


@dataclass(frozen=True)
class Leaving:
    """What keeps a worker from going: jobs that it holds, and ends of jobs of which the dispatcher has not heard yet."""

    held: int
    untold: int


class Worker:
    """One worker. `open_workbench` is called in the work thread, so that a slow start never delays an answer."""

    def __init__(self, name: str, open_workbench: Callable[[], Workbench], gpu_class: str = "") -> None:
        """gpu_class: as the farm calls this worker's GPU; left out, the workbench says what it runs on."""
        self.name = name
        self._gpu_class = gpu_class
        self._is_leaving = False
        self.incarnation = secrets.token_hex(8)
        self._open = open_workbench
        self._bench: Workbench | None = None
        self._lock = threading.Lock()
        self._orders: deque[_Begin | _Stop] = deque()
        self._events: deque[WorkEvent] = deque()
        self._last_number = 0
        self._held: dict[str, Held] = {}
        self._offer = Offer()
        self._figures: dict[str, float] = {}
        self._fields: dict[str, dict[str, str]] = {}  # by held job: what every line about it says
        self._epoch = 0
        self._waiters: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closing = threading.Event()
        self._ordered = threading.Event()
        self._thread: threading.Thread | None = None

    # Control: any thread, at once.

    def hello(self, epoch: int) -> Hello:
        """Who this is and what it holds, for a dispatcher of some epoch. Raises StaleEpoch."""
        self._obey(epoch)
        with self._lock:
            return Hello(worker=self.name, incarnation=self.incarnation, offer=self._room(), held=self._holding())

    def begin(self, epoch: int, job: Job, attempt: int) -> None:
        """Take a job; taking the same attempt twice is harmless. Raises StaleEpoch."""
        self._obey(epoch)
        with self._lock:
            if job.id in self._held:
                self._held[job.id] = Held(job=job.id, attempt=self._held[job.id].attempt, epoch=epoch)
                return
            self._held[job.id] = Held(job=job.id, attempt=attempt, epoch=epoch)
            self._fields[job.id] = logs.fields_of(job)
            self._orders.append(_Begin(job, attempt))
            if self._is_leaving:
                self._orders.append(_Stop(job.id, at_checkpoint=True))
            self._ordered.set()
        log.info("taken", worker=self.name, attempt=attempt, epoch=epoch, **logs.fields_of(job))

    def stop(self, epoch: int, job: str, at_checkpoint: bool) -> None:
        """Let go of a job; letting go of what is not held is harmless. Raises StaleEpoch."""
        self._obey(epoch)
        with self._lock:
            if job in self._held:
                self._orders.append(_Stop(job, at_checkpoint))
                self._ordered.set()

    def leave(self) -> Leaving:
        """Its node is to go: let go of everything at its next checkpoint, take nothing more; what is still to be done.

        May be said again and again. There is no way back: the process ends with its node.
        """
        with self._lock:
            if not self._is_leaving:
                log.info("leaving", worker=self.name, held=len(self._held))
            self._is_leaving = True
            told_to = {order.job for order in self._orders if isinstance(order, _Stop)}
            self._orders.extend(_Stop(job, at_checkpoint=True) for job in self._held if job not in told_to)
            self._ordered.set()
            untold = sum(event.kind is not EventKind.PROGRESS for event in self._events)
            return Leaving(held=len(self._held), untold=untold)

    def holds_anything(self) -> bool:
        """Whether it has taken a job that has not ended."""
        with self._lock:
            return bool(self._held)

    async def events(self, epoch: int, after: int, wait_seconds: float) -> EventBatch:
        """Events numbered above `after`; waits up to wait_seconds for the first. Raises StaleEpoch."""
        self._obey(epoch)
        arrived = asyncio.Event()
        waiter = (asyncio.get_running_loop(), arrived)
        with self._lock:
            self._forget_until(after)
            ready = bool(self._events)
            self._waiters.add(waiter)
        try:
            if not ready:
                async with asyncio.timeout(
                    wait_seconds
                ):  # `wait_for` may forget that it was cancelled, before Python 3.12
                    await arrived.wait()
        except TimeoutError:
            log.debug("nothing new", worker=self.name)
        finally:
            with self._lock:
                self._waiters.discard(waiter)
        with self._lock:
            return EventBatch(
                incarnation=self.incarnation,
                events=tuple(event for event in self._events if event.number > after),
                offer=self._room(),
                held=self._holding(),
                figures=self._figures,
            )

    # Work: the one thread that touches the workbench.

    def start(self) -> None:
        """Begin working in a thread of its own."""
        self._thread = threading.Thread(target=self._work, name=f"work-{self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the turn at hand, let the workbench keep what it can, and stop."""
        self._closing.set()
        self._ordered.set()
        if self._thread is not None:
            self._thread.join()
        if self._bench is not None:
            self._bench.close()
            self._bench = None

    def turn(self) -> bool:
        """Carry out orders, then one turn of work; True if there was anything to do."""
        bench = self._bench or self._open_bench()
        had_orders = self._carry_out_orders(bench)
        if bench.idle():
            return had_orders
        failpoints.reach("worker.before-turn")
        self._tell(bench.turn(), bench.offer(), bench.figures())
        failpoints.reach("worker.after-turn")
        return True

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                self._ordered.clear()
                if not self.turn():
                    self._ordered.wait(IDLE_SECONDS)
            except StoreUnavailable as away:
                log.warning("store away, waiting", worker=self.name, message=away.message)
                self._closing.wait(BACK_OFF_SECONDS)
            except Exception as broken:
                self._give_up_everything(broken)

    def _open_bench(self) -> Workbench:
        self._bench = self._open()
        with self._lock:
            self._offer = self._bench.offer()
            self._figures = self._bench.figures()
            self._wake()
        log.info("workbench open", worker=self.name, incarnation=self.incarnation)
        return self._bench

    def _carry_out_orders(self, bench: Workbench) -> bool:
        with self._lock:
            orders = list(self._orders)
        for order in orders:
            if isinstance(order, _Begin):
                failpoints.reach("worker.begin")
                bench.begin(order.job, order.attempt)
                happened: list[WorkEvent] = []
            else:
                happened = bench.stop(order.job, at_checkpoint=order.at_checkpoint)
                self._say_stopped(order, happened)
            with self._lock:
                self._orders.popleft()
                if isinstance(order, _Stop):
                    self._held.pop(order.job, None)
            self._tell(happened, bench.offer(), bench.figures())
        return bool(orders)

    def _give_up_everything(self, broken: Exception) -> None:
        """A failure that no job could be blamed for: every job is handed back, and the workbench is built anew."""
        log.error("workbench broke", worker=self.name, exc_info=broken)
        with self._lock:
            self._orders.clear()
            held = list(self._held.values())
        self._discard_bench()
        trouble = _trouble(broken)
        events = [WorkEvent(job=one.job, attempt=one.attempt, kind=EventKind.FAILED, trouble=trouble) for one in held]
        self._tell(events, Offer(), self._figures)
        self._closing.wait(BACK_OFF_SECONDS)

    def _discard_bench(self) -> None:
        """Close a workbench that broke, so that it keeps the checkpoints it still can and frees its device."""
        bench, self._bench = self._bench, None
        if bench is None:
            return
        try:
            bench.close()
        except Exception as broken:
            log.error("broken workbench did not close", worker=self.name, exc_info=broken)

    def _say_stopped(self, order: _Stop, happened: list[WorkEvent]) -> None:
        """A job that was let go of without a word of its own."""
        if not happened:
            fields = self._fields.pop(order.job, {"job": order.job})
            log.info("stopped", worker=self.name, at_checkpoint=order.at_checkpoint, **fields)

    def _say_ended(self, event: WorkEvent) -> None:
        """One line for every end of an attempt; what failed says why by its reason, the message goes to the dispatcher."""
        fields = {"worker": self.name, "attempt": event.attempt, **self._fields.pop(event.job, {"job": event.job})}
        if event.trouble is not None:
            log.warning(event.kind.value, reason=event.trouble.reason, retryable=event.trouble.retryable, **fields)
        else:
            log.info(event.kind.value, done=event.done, total=event.total, **fields)

    def _tell(self, events: list[WorkEvent], offer: Offer, figures: dict[str, float]) -> None:
        for event in events:
            if event.kind is not EventKind.PROGRESS:
                self._say_ended(event)
        with self._lock:
            for event in events:
                self._number(event)
            freed = offer != self._offer
            self._offer, self._figures = offer, figures
            if events or freed:
                self._wake()

    def _number(self, event: WorkEvent) -> None:
        """Give an event its number; an older progress of the same job is replaced, and what has ended is let go."""
        self._last_number += 1
        if event.kind is EventKind.PROGRESS:
            kept = [old for old in self._events if old.job != event.job or old.kind is not EventKind.PROGRESS]
            self._events = deque(kept)
        else:
            self._held.pop(event.job, None)
        self._events.append(event.model_copy(update={"number": self._last_number}))

    # Small things, called with the lock held.

    def _wake(self) -> None:
        for loop, arrived in self._waiters:
            loop.call_soon_threadsafe(arrived.set)

    def _forget_until(self, after: int) -> None:
        while self._events and self._events[0].number <= after:
            self._events.popleft()

    def _holding(self) -> tuple[Held, ...]:
        return tuple(self._held.values())

    def _room(self) -> Offer:
        """The workbench's offer, less what has been ordered and not yet begun."""
        ordered = [order.job.kind for order in self._orders if isinstance(order, _Begin)]
        if self._is_leaving:
            return Offer(base=self._offer.base, gpu_class=self._gpu_class or self._offer.gpu_class)
        return self._offer.model_copy(
            update={
                "gpu_class": self._gpu_class or self._offer.gpu_class,
                "train_rows": max(0, self._offer.train_rows - ordered.count(JobKind.TRAIN)),
                "chunks": max(0, self._offer.chunks - ordered.count(JobKind.GENERATE)),
                "intakes": max(0, self._offer.intakes - ordered.count(JobKind.INTAKE)),
            }
        )

    def _obey(self, epoch: int) -> None:
        with self._lock:
            if epoch < self._epoch:
                raise StaleEpoch(
                    f"Worker {self.name} serves epoch {self._epoch}; an order came from epoch {epoch}.",
                    hint="Another dispatcher is in charge; this one should stop.",
                )
            self._epoch = epoch


def _trouble(broken: Exception) -> Trouble:
    """What nobody foresaw, as data; another worker may fare better."""
    reason = broken.reason if isinstance(broken, FarmError) else type(broken).__name__
    return Trouble(reason=reason, message=str(broken) or reason, hint="See the worker's log.", retryable=True)
