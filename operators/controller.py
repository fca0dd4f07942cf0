"""The loops around the rounds: what wakes which manifest, in which order, how late after a failure.

Level-triggered: a wake only says where to look again. Knows neither Kubernetes nor SQLite, neither Ray nor HTTP.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from cluster.ports import Change, Manifests, Wake
from jobs.errors import FarmError, NotFound
from jobs.ports import Clock
from operators.rounds import Place, Rounds, place_of
from operators.work_queue import LONGEST_BACK_OFF_SECONDS, WorkQueue

WATCHED = ("BrandProject", "Campaign")

AWAY_SECONDS = 10.0
"""The longest rest before a store or a dispatcher that was away is tried again: work goes on within 30 s of its return."""

log = structlog.get_logger("controller")


@dataclass(frozen=True)
class Pace:
    """How often what is done, in seconds; `at_once` manifests are looked at at the same time."""

    relist: float = 30.0
    settle: float = 0.3  # after a wake by the dispatcher, so that several wakes become one look
    poll: float = 5.0  # how long a question to the dispatcher stays open; then what it has is looked at in any case
    away: float = 0.5  # before a dispatcher that does not answer is asked again; it is back within seconds
    at_once: int = 4


class News(Protocol):
    """Who tells that something has changed at the dispatcher. Raises DispatcherUnavailable."""

    async def events(self, after: int, wait: float) -> Wake:
        """Returns once something has changed since a number, or after `wait` seconds."""


class Controller:
    """Brings every manifest from what is there towards what it declares, for ever."""

    def __init__(
        self, documents: Manifests, rounds: Rounds, news: News, clock: Clock, pace: Pace | None = None
    ) -> None:
        self._documents, self._rounds, self._news = documents, rounds, news
        self._clock, self._pace = clock, pace or Pace()
        self._queue = WorkQueue[Place]()
        self._bell = asyncio.Event()

    def metrics(self) -> bytes:
        """Its figures in Prometheus' text format."""
        return self._rounds.figures.text(len(self._queue))

    async def run(self) -> NoReturn:
        """Watch and reconcile until cancelled; being cancelled at any point loses nothing."""
        async with asyncio.TaskGroup() as together:
            together.create_task(self._relist())
            together.create_task(self._watch())
            together.create_task(self._listen())
            for _ in range(self._pace.at_once):
                together.create_task(self._work())
        raise AssertionError("the controller's loops never end")

    # What wakes a manifest.

    async def _relist(self) -> NoReturn:
        while True:
            await self._wake_all()
            self._rounds.figures.relisted()
            await asyncio.sleep(self._pace.relist)

    async def _watch(self) -> None:
        async for change in self._documents.watch(0):
            await self._heed(change)

    async def _heed(self, change: Change) -> None:
        if change.kind == "Review":
            await self._heed_review(change)
            return
        place = Place(change.kind, change.namespace, change.name)
        self._rounds.met(place, change.uid)
        if change.deleted or not self._rounds.wrote(place, change.resource_version):
            self._wake(place)
        for campaign in self._rounds.waiting_for(place):
            self._wake(campaign)

    async def _heed_review(self, change: Change) -> None:
        """A new word wakes its project; of a deleted one nobody knows any more whose it was."""
        try:
            review = await self._documents.get("Review", change.namespace, change.name)
        except NotFound:
            for document in await self._documents.list("BrandProject", change.namespace):
                self._wake(place_of(document))
            return
        self._wake(Place("BrandProject", change.namespace, review["spec"]["project"]))

    async def _listen(self) -> NoReturn:
        """Look again wherever jobs are out, when the dispatcher has news or after a while; everywhere, when it is another."""
        last = Wake(epoch=0, number=0)
        while True:
            try:
                wake = await self._news.events(last.number, self._pace.poll)
            except FarmError as away:  # also a wrong token: what needs no dispatcher goes on
                self._rounds.figures.dispatcher_answered(False)
                log.warning("dispatcher does not answer", reason=away.reason, error=away.message)
                await asyncio.sleep(self._pace.away)
                continue
            self._rounds.figures.dispatcher_answered(True)
            if wake.epoch != last.epoch:
                log.info("dispatcher met", epoch=wake.epoch)
                self._rounds.forget_dispatcher()
                await self._wake_all()
            else:
                self._wake_those_at_work()
            last = wake

    async def _wake_all(self) -> None:
        for kind in WATCHED:
            for document in await self._documents.list(kind):
                self._wake(place_of(document))
        for place in self._rounds.places():
            self._wake(place)

    def _wake_those_at_work(self) -> None:
        soon = self._clock.monotonic() + self._pace.settle
        for place in self._rounds.at_work():
            if not self._queue.is_failing(place):
                self._queue.add(place, soon)
        self._bell.set()

    def _wake(self, place: Place) -> None:
        self._queue.add(place, self._clock.monotonic())
        self._bell.set()

    # What is done when it is awake.

    async def _work(self) -> NoReturn:
        while True:
            place = await self._next()
            try:
                with self._rounds.figures.round(place.kind):
                    again = await self._rounds.look(place)
            except FarmError as error:
                longest = AWAY_SECONDS if error.retryable else LONGEST_BACK_OFF_SECONDS
                self._put_off(place, error.message, error.reason, longest)
            except Exception as mistake:  # our own; one manifest must not stop the others
                log.exception("round failed", place=str(place))
                self._put_off(place, str(mistake), type(mistake).__name__)
            else:
                self._queue.done(place)
                seconds = self._rounds.seconds_until_next(place)
                if again:
                    self._wake(place)
                elif seconds is not None:
                    self._queue.add(place, self._clock.monotonic() + seconds)
            self._bell.set()

    def _put_off(
        self, place: Place, message: str, reason: str, longest_seconds: float = LONGEST_BACK_OFF_SECONDS
    ) -> None:
        seconds = self._queue.failed(place, self._clock.monotonic(), longest_seconds)
        fields = {"kind": place.kind, "namespace": place.namespace, "name": place.name}
        log.warning("put off", seconds=seconds, reason=reason, error=message, **fields)

    async def _next(self) -> Place:
        """The next place that is due, when it is."""
        while True:
            now = self._clock.monotonic()
            place = self._queue.take(now)
            if place is not None:
                return place
            due = self._queue.next_due()
            self._bell.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - now)):
                    await self._bell.wait()
