"""The controller as a process: `python -m operators.main`. Puts the parts together and runs them until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, suppress
from typing import NoReturn

import structlog

from cluster import logs, stores
from cluster.client import DispatcherClient
from cluster.clocks import MachineClock
from jobs import failpoints
from jobs.bases.catalogue import Catalogue
from jobs.errors import FarmError
from jobs.ports import Clock, ObjectStore
from operators import settings, surroundings
from operators.act import Actor, Charge
from operators.controller import Controller, Pace
from operators.health import Health, telling
from operators.listings import Listings
from operators.observe import Lookups, Observer
from operators.rounds import Rounds
from operators.settings import Settings
from operators.surroundings import Surroundings
from operators.unwatched import Unwatched

CATALOGUE_SECONDS = 10.0
"""How long the catalogue is taken to be as it was."""

log = structlog.get_logger("controller")


def main() -> int:
    """Run until told to stop; 0 then, 1 where it could not start, or where another one leads now."""
    logs.to_stderr_as_json("controller")
    try:
        failpoints.arm_from_environment()
        asyncio.run(_serve(settings.read()))
    except FarmError as error:
        log.error("controller cannot start", reason=error.reason, error=error.message, hint=error.hint)
        return 1
    except BaseExceptionGroup as several:
        first = _first(several)
        if not isinstance(first, FarmError):
            raise
        log.error("controller ends", reason=first.reason, error=first.message, hint=first.hint)
        return 1
    return 0


def put_together(
    there: Surroundings,
    store: ObjectStore,
    dispatcher: DispatcherClient,
    clock: Clock,
    chosen: Settings,
    charge: Charge,
    pace: Pace | None = None,
) -> Controller:
    """A controller over real parts."""
    documents = there.documents
    listings = Listings(store, clock)
    catalogue = Catalogue(store, monotonic=clock.monotonic, memo_seconds=CATALOGUE_SECONDS)
    lookups = Lookups(base=catalogue.by_name, listing=listings.digest, now=clock.now)
    observer = Observer(documents, store, lookups, chosen.chunk)
    actor = Actor(documents, store, dispatcher, clock.now, charge)
    hold_seconds = chosen.hold_seconds if chosen.kubernetes else 0.0  # nobody deletes a file's kinds by mistake
    rounds = Rounds(documents, observer, actor, clock, there.recorder, there.status_seconds, hold_seconds)
    watched = chosen.watched_namespaces
    unwatched = Unwatched(documents, store, dispatcher, charge, lambda space: not watched or space in watched)
    return Controller(documents, rounds, dispatcher, clock, pace, charge=charge, unwatched=unwatched)


class Process:
    """A controller's life: it follows the manifests, waits until it leads, and then brings the farm to what they ask."""

    def __init__(
        self,
        there: Surroundings,
        store: ObjectStore,
        dispatcher: DispatcherClient,
        clock: Clock,
        chosen: Settings,
        pace: Pace | None = None,
    ) -> None:
        self._there, self._store, self._dispatcher, self._clock = there, store, dispatcher, clock
        self._chosen, self._pace = chosen, pace
        self._controller: Controller | None = None

    def metrics(self) -> bytes:
        """Its figures in Prometheus' text format; none while another one leads."""
        return self._controller.metrics() if self._controller else b""

    async def run(self) -> NoReturn:
        """Until cancelled. Raises LeadershipLost and StaleTerm, in a group, where another one leads now."""
        async with asyncio.TaskGroup() as together:
            if self._there.follow is not None:
                together.create_task(self._there.follow())
            charge = await self._lead(together)
            self._controller = put_together(
                self._there, self._store, self._dispatcher, self._clock, self._chosen, charge, self._pace
            )
            await self._controller.run()
        raise AssertionError("a controller never ends by itself")

    async def _lead(self, together: asyncio.TaskGroup) -> Charge:
        leadership = self._there.leadership
        if leadership is None:
            return Charge()
        term = await leadership.win()
        together.create_task(leadership.hold())
        return Charge(home=leadership.uid, lease=self._there.lease, term=term)


async def _serve(chosen: Settings) -> None:
    token, dispatcher_url = chosen.token(), chosen.dispatcher_url
    store = await asyncio.to_thread(stores.open_store, chosen.store_address, may_make=False)
    async with AsyncExitStack() as opened:
        there = await opened.enter_async_context(surroundings.of(chosen))
        dispatcher = await opened.enter_async_context(DispatcherClient(dispatcher_url, token))
        process = Process(there, store, dispatcher, MachineClock(), chosen)
        kept_in = "kubernetes" if chosen.kubernetes else str(chosen.home)
        log.info("controller starts", home=kept_in, dispatcher=dispatcher_url)
        if chosen.metrics_port:
            health = Health(process.metrics, "" if chosen.metrics_open else token, there.is_synced)
            await opened.enter_async_context(telling(health, chosen.host, chosen.metrics_port))
        await _until_told_to_stop(process)
    log.info("controller stopped")


async def _until_told_to_stop(process: Process) -> None:
    """Whatever is under way is dropped at once: every effect is whole or can be repeated."""
    running = asyncio.create_task(process.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    sys.exit(main())
