"""The loops around the rounds: what wakes which manifest, in which order, how late after a failure.

Level-triggered: a wake only says where to look again. Knows neither Kubernetes nor SQLite, neither Ray nor HTTP.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

import structlog

from cluster.ports import Change, Manifests, Owners, Wake
from jobs.errors import FarmError, StaleTerm
from jobs.ports import Clock
from operators.act import Charge
from operators.complaints import Complaint
from operators.relist import WATCHED as WATCHED
from operators.relist import Relist
from operators.rounds import Place, Rounds
from operators.unwatched import Unwatched
from operators.work_queue import LONGEST_BACK_OFF_SECONDS, WorkQueue

AWAY_SECONDS = 10.0
"""The longest rest before a store or a dispatcher that was away is tried again: work goes on within 30 s of its return."""

log = structlog.get_logger("controller")


@dataclass(frozen=True)
class Pace:
    """How often what is done, in seconds; `at_once` manifests are looked at at the same time."""

    relist: float = 30.0
    in_full: float = 600.0  # until each manifest that rests was looked at in full
    ahead: float = 30.0  # so much earlier in the line is what changed than what is looked at as a matter of course
    unwatched: float = 3600.0  # between two looks for what was deleted while nobody watched
    doubt: float = 120.0  # who is missing must be missing that much later too: longer than a watch may be silent
    settle: float = 0.3  # after a wake by the dispatcher, so that several wakes become one look
    poll: float = 5.0  # how long a question to the dispatcher stays open; then what it has is looked at in any case
    away: float = 0.5  # before a dispatcher that does not answer is asked again; it is back within seconds
    at_once: int = 4


class News(Protocol):
    """Who tells that something has changed at the dispatcher. Raises DispatcherUnavailable."""

    async def events(self, after: int, wait: float) -> Wake:
        """Returns once something has changed since a number, or after `wait` seconds."""

    async def owners(self, lease: str = "", term: int = 0) -> Owners:
        """Everyone who wants something, asked as the controller that leads by a lease. Raises StaleTerm."""


class Controller:
    """Brings every manifest from what is there towards what it declares, for ever."""

    def __init__(
        self,
        documents: Manifests,
        rounds: Rounds,
        news: News,
        clock: Clock,
        pace: Pace | None = None,
        *,
        charge: Charge | None = None,
        unwatched: Unwatched | None = None,
    ) -> None:
        self._documents, self._rounds, self._news = documents, rounds, news
        self._clock, self._pace = clock, pace or Pace()
        self._charge, self._unwatched = charge or Charge(), unwatched
        self._survey = Relist(documents, rounds, self._pace.relist / self._pace.in_full)
        self.synced = asyncio.Event()  # set once every manifest was judged, and all that do not rest stand in line
        self._queue = WorkQueue[Place]()
        self._bell = asyncio.Event()
        self._silence = Complaint(clock.monotonic)  # the dispatcher's
        self._away = defaultdict[str, Complaint](lambda: Complaint(clock.monotonic))  # what rounds wait for, by reason

    def metrics(self) -> bytes:
        """Its figures in Prometheus' text format."""
        return self._rounds.figures.text(len(self._queue))

    async def run(self) -> NoReturn:
        """Watch and reconcile until cancelled; being cancelled at any point loses nothing. Raises StaleTerm, in a group."""
        async with asyncio.TaskGroup() as together:
            together.create_task(self._relist())
            together.create_task(self._watch())
            together.create_task(self._listen())
            together.create_task(self._look_for_lost())
            for _ in range(self._pace.at_once):
                together.create_task(self._work())
        raise AssertionError("the controller's loops never end")

    # What wakes a manifest.

    async def _relist(self) -> NoReturn:
        while True:
            try:
                found = await self._survey.look_round()
            except FarmError as unread:
                log.warning("manifests cannot be listed", reason=unread.reason, error=unread.message)
                await asyncio.sleep(self._pace.away)
                continue
            for place in found.routine:
                self._look_in_turn(place)
            for place in found.changed:
                self._wake(place)
            self._rounds.figures.relisted()
            self.synced.set()
            await asyncio.sleep(self._pace.relist)

    async def _watch(self) -> NoReturn:
        """After the first list, so that what rests is known to rest before a watch tells that it is there."""
        await self.synced.wait()
        while True:
            try:
                async for change in self._documents.watch(0):
                    await self._heed(change)
            except FarmError as unread:
                log.warning("manifests cannot be watched", reason=unread.reason, error=unread.message)
            await asyncio.sleep(self._pace.away)

    async def _heed(self, change: Change) -> None:
        if change.kind == "Review":
            for project in await self._rounds.observer.words.heed(change):
                self._wake(project)
            return
        place = Place(change.kind, change.namespace, change.name)
        if change.deleted:
            self._rounds.missed(place, change.uid)
        else:
            self._rounds.met(place, change.uid)
        rest = self._rounds.resting.of(place)
        is_known = rest is not None and (rest.uid, rest.version) == (change.uid, change.resource_version)
        if change.deleted or not (is_known or self._rounds.wrote(place, change.resource_version)):
            self._wake(place)
        for campaign in self._rounds.waiting_for(place):
            self._wake(campaign)

    async def _listen(self) -> NoReturn:
        """Look again wherever jobs are out, when the dispatcher has news or after a while; everywhere, when it is another."""
        last = Wake(epoch=0, number=0)
        while True:
            try:
                wake = await self._news.events(last.number, self._pace.poll)
            except FarmError as away:  # also a wrong token: what needs no dispatcher goes on
                self._rounds.figures.dispatcher_answered(False)
                if self._silence.is_due():
                    log.warning("dispatcher does not answer", reason=away.reason, error=away.message)
                await asyncio.sleep(self._pace.away)
                continue
            self._rounds.figures.dispatcher_answered(True)
            lasted = self._silence.over()
            if lasted is not None:
                log.info("dispatcher answers again", seconds=round(lasted, 1))
            if wake.epoch != last.epoch:
                log.info("dispatcher met", epoch=wake.epoch)
                await self._meet_dispatcher()
            else:
                self._wake_those_at_work()
            last = wake

    async def _meet_dispatcher(self) -> None:
        """Another one is in charge: whoever wants something tells it so, and those of whom it knows more than there is."""
        try:
            told = await self._news.owners(self._charge.lease, self._charge.term)
        except StaleTerm:
            raise
        except FarmError as untold:
            log.warning("dispatcher does not say whom it knows", reason=untold.reason, error=untold.message)
            known = None
        else:
            known = {one.uid for one in told.owners}
        self._rounds.forget_dispatcher(known)
        for place in self._rounds.places():
            rest = self._rounds.resting.of(place)
            if rest is None or known is None or rest.uid in known:
                self._wake(place)

    async def _look_for_lost(self) -> None:
        """Withdraw what was deleted while nobody watched; what cannot be read is looked for again later."""
        while self._unwatched is not None:
            await self.synced.wait()
            try:
                suspects = await self._unwatched.suspects()
                if suspects:
                    await asyncio.sleep(self._pace.doubt)
                for lost in await self._unwatched.still_lost(suspects) if suspects else ():
                    log.info("deleted unseen", kind=lost.place.kind, name=lost.place.name, uid=lost.uid)
                    self._rounds.missed(lost.place, lost.uid)
                    self._wake(lost.place)
            except StaleTerm:
                raise
            except FarmError as unread:
                log.warning("nobody is taken for deleted", reason=unread.reason, error=unread.message)
                await asyncio.sleep(self._pace.relist)
                continue
            await asyncio.sleep(self._pace.unwatched)

    def _wake_those_at_work(self) -> None:
        soon = self._clock.monotonic() + self._pace.settle
        for place in self._rounds.at_work():
            if not self._queue.is_failing(place):
                self._queue.add(place, soon)
        self._bell.set()

    def _wake(self, place: Place) -> None:
        """Something changed: a person waits, so it goes ahead of what is looked at as a matter of course."""
        self._queue.add(place, self._clock.monotonic() - self._pace.ahead)
        self._bell.set()

    def _look_in_turn(self, place: Place) -> None:
        self._queue.add(place, self._clock.monotonic())
        self._bell.set()

    # What is done when it is awake.

    async def _work(self) -> NoReturn:
        while True:
            place = await self._next()
            try:
                with self._rounds.figures.round(place.kind):
                    again = await self._rounds.look(place)
            except StaleTerm:
                raise
            except FarmError as error:
                longest = AWAY_SECONDS if error.retryable else LONGEST_BACK_OFF_SECONDS
                is_said = not error.retryable or self._away[error.reason].is_due()
                self._put_off(place, error.message, error.reason, longest, is_said=is_said)
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
        self,
        place: Place,
        message: str,
        reason: str,
        longest_seconds: float = LONGEST_BACK_OFF_SECONDS,
        *,
        is_said: bool = True,
    ) -> None:
        """is_said: whether the log's reader hears of it; what is away for all manifests is said of one now and then."""
        seconds = self._queue.failed(place, self._clock.monotonic(), longest_seconds)
        fields = {"kind": place.kind, "namespace": place.namespace, "name": place.name}
        say = log.warning if is_said else log.debug
        say("put off", seconds=seconds, reason=reason, error=message, **fields)

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
