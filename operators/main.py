"""The controller as a process: `python -m operators.main`. Puts the parts together and runs them until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, suppress

import structlog

from cluster import logs, stores
from cluster.client import DispatcherClient
from cluster.clocks import MachineClock
from cluster.local_manifests import LocalManifests
from cluster.ports import Manifests
from jobs import failpoints
from jobs.bases.catalogue import Catalogue
from jobs.errors import FarmError
from jobs.ports import Clock, ObjectStore
from operators import settings
from operators.act import Actor
from operators.controller import Controller
from operators.health import Health, telling
from operators.listings import Listings
from operators.observe import Lookups, Observer
from operators.rounds import Rounds
from operators.settings import Settings

CATALOGUE_SECONDS = 10.0
"""How long the catalogue is taken to be as it was."""

log = structlog.get_logger("controller")


def main() -> int:
    """Run until told to stop; 0 then, 1 where it could not start."""
    logs.to_stderr_as_json("controller")
    try:
        failpoints.arm_from_environment()
        asyncio.run(_serve(settings.read()))
    except FarmError as error:
        log.error("controller cannot start", reason=error.reason, error=error.message, hint=error.hint)
        return 1
    return 0


def put_together(
    documents: Manifests, store: ObjectStore, dispatcher: DispatcherClient, clock: Clock, chunk: int
) -> Controller:
    """A controller over real parts."""
    listings = Listings(store, clock)
    catalogue = Catalogue(store, monotonic=clock.monotonic, memo_seconds=CATALOGUE_SECONDS)
    lookups = Lookups(base=catalogue.by_name, listing=listings.digest, now=clock.now)
    observer = Observer(documents, store, lookups, chunk)
    actor = Actor(documents, store, dispatcher, clock.now)
    return Controller(documents, Rounds(documents, observer, actor, clock), dispatcher, clock)


async def _serve(chosen: Settings) -> None:
    token, dispatcher_url = chosen.token(), chosen.dispatcher_url
    store = await asyncio.to_thread(stores.open_store, chosen.store_address, may_make=False)
    documents = LocalManifests(chosen.manifests)
    async with DispatcherClient(dispatcher_url, token) as dispatcher:
        controller = put_together(documents, store, dispatcher, MachineClock(), chosen.chunk)
        log.info("controller starts", home=str(chosen.home), dispatcher=dispatcher_url)
        async with AsyncExitStack() as open_ports:
            if chosen.metrics_port:
                health = Health(controller.metrics, "" if chosen.metrics_open else token)
                await open_ports.enter_async_context(telling(health, chosen.host, chosen.metrics_port))
            await _until_told_to_stop(controller)
    documents.close()
    log.info("controller stopped")


async def _until_told_to_stop(controller: Controller) -> None:
    """Whatever is under way is dropped at once: every effect is whole or can be repeated."""
    running = asyncio.create_task(controller.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


if __name__ == "__main__":
    sys.exit(main())
