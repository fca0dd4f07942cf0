"""The engine's way to the store: questions are asked in threads, the most urgent first, and again while the store is away.

Nothing that was handed over is dropped before it is done. What the answers mean is not known here.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import NoReturn, TypeVar

import structlog

from cluster import ledger
from cluster.instructions import Found, Look, RecordFailure, RecordRetry
from jobs.errors import StoreUnavailable
from jobs.ports import ObjectStore
from jobs.spec import Priority

log = structlog.get_logger("dispatcher")
T = TypeVar("T")

_RANKS = {Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}
_FINISHED_RANK = 0  # a finished job is looked for before those that may begin: somebody waits for it


class Errands:
    """What is to be asked of the store and written to it. `away_seconds`: before a store that was away is tried again;
    `tell_answered` hears of every question whether the store answered."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        at_a_time: int,
        away_seconds: float,
        tell_answered: Callable[[bool], None] = lambda answered: None,
    ) -> None:
        self._store = store
        self._tell_answered = tell_answered
        self._at_a_time = at_a_time
        self._away_seconds = away_seconds
        self._tickets = itertools.count()
        self._looks: asyncio.PriorityQueue[tuple[int, int, Look]] = asyncio.PriorityQueue()
        self._writes: asyncio.Queue[RecordFailure | RecordRetry] = asyncio.Queue()

    def look(self, asked: Look) -> None:
        """Ask what became of a job; the answer goes to `answered`."""
        rank = _RANKS[asked.job.placement.priority] if asked.finished_attempt is None else _FINISHED_RANK
        self._looks.put_nowait((rank, next(self._tickets), asked))

    def write(self, record: RecordFailure | RecordRetry) -> None:
        """Write a record, in its turn."""
        self._writes.put_nowait(record)

    def start(self, together: asyncio.TaskGroup, answered: Callable[[Look, Found], None]) -> None:
        """Begin to run errands."""
        together.create_task(self._keep_writing())
        for _ in range(self._at_a_time):
            together.create_task(self._keep_looking(answered))

    async def ask(self, question: Callable[[], T]) -> T:
        """The answer to a blocking question, as soon as the store gives one."""
        while True:
            try:
                answer = await asyncio.to_thread(question)
            except StoreUnavailable as away:
                self._tell_answered(False)
                log.warning("store away", error=away.message, again_in_seconds=self._away_seconds)
                await asyncio.sleep(self._away_seconds)
            else:
                self._tell_answered(True)
                return answer

    async def _keep_looking(self, answered: Callable[[Look, Found], None]) -> NoReturn:
        while True:
            _, _, asked = await self._looks.get()
            answered(asked, await self.ask(partial(ledger.look, self._store, asked)))

    async def _keep_writing(self) -> NoReturn:
        while True:
            record = await self._writes.get()
            match record:
                case RecordFailure():
                    await self.ask(partial(ledger.record_failure, self._store, record))
                case RecordRetry():
                    await self.ask(partial(ledger.record_retry, self._store, record))
