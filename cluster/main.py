"""The dispatcher as a process: `python -m cluster.main`. Puts the parts together and serves until SIGTERM.

Workers live on, unless it is SIGUSR1 that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
import uvicorn

from cluster import logs, settings, stores, waiting_room
from cluster.api import create_app
from cluster.clocks import MachineClock
from cluster.engine import Engine
from cluster.ports import Fleet
from cluster.settings import Settings
from cluster.wishes import Wishes, bounds_of
from jobs import failpoints
from jobs.errors import FarmError, HeadLost
from jobs.ports import ObjectStore

if TYPE_CHECKING:
    from cluster.ray_fleet import RayFleet

log = structlog.get_logger("dispatcher")

GOODBYE_SECONDS = 2  # for answers under way; a long poll is cut off, and its caller asks again


class _Server(uvicorn.Server):
    """uvicorn, but signals are ours: it would raise them again after it has stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    """Run until told to stop; 0 then, 1 where it could not start or another dispatcher took charge.

    With --when-told it is a spare: it joins Ray and opens the store, and begins when it reads a line; 0 where none ever comes.
    """
    logs.to_stderr_as_json("dispatcher")
    try:
        failpoints.arm_from_environment()
        asyncio.run(_start(settings.read(), is_spare="--when-told" in sys.argv[1:]))
    except FarmError as error:
        log.error("dispatcher stops", reason=error.reason, error=error.message, hint=error.hint)
        return 1
    return 0


async def _is_told_to_go() -> bool:
    log.info("spare is ready", pid=os.getpid())
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip() == "go"


async def _start(chosen: Settings, *, is_spare: bool) -> None:
    token = chosen.token()
    store = await asyncio.to_thread(stores.open_store, chosen.store_address, may_make=False)
    fleet = await _connect(chosen)
    is_last = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _stop_with_workers, is_last)
    try:
        if is_spare and not await _is_told_to_go():
            return
        wishes = Wishes(chosen.groups, chosen.patience)
        await serve(
            fleet,
            store,
            token,
            host=chosen.host,
            port=chosen.port,
            metrics_are_open=chosen.metrics_open,
            wishes=wishes,
        )
        if is_last.is_set():
            await fleet.dismiss()
    except HeadLost as lost:
        log.error("dispatcher stops", reason=lost.reason, error=lost.message, hint=lost.hint)
        os._exit(1)  # whatever waits for Ray in a thread would wait for a minute and more, leaving it included
    finally:
        await fleet.close()


def _stop_with_workers(is_last: asyncio.Event) -> None:
    """SIGUSR1: the whole farm goes down, so workers write their checkpoints and end; on SIGTERM they live on."""
    is_last.set()
    signal.raise_signal(signal.SIGTERM)


async def _connect(chosen: Settings) -> RayFleet:
    from cluster.ray_fleet import RayFleet, WorkerOptions  # ray takes seconds and is not there on a plain install

    surroundings = {"OMP_NUM_THREADS": str(chosen.threads), "OMP_WAIT_POLICY": "PASSIVE", **failpoints.surroundings()}
    options = WorkerOptions(chosen.workbench, chosen.workbench_options, surroundings)

    async def join() -> RayFleet:
        await waiting_room.require_listener(chosen.ray_address)
        return await RayFleet.connect(
            address=chosen.ray_address, namespace=chosen.ray_namespace, options=options, sized=bounds_of(chosen.groups)
        )

    if not chosen.ray_patience:
        return await join()
    async with waiting_room.waiting_room(chosen.host, chosen.port):
        return await waiting_room.patiently(join, chosen.ray_patience, time.monotonic)


async def serve(
    fleet: Fleet,
    store: ObjectStore,
    token: str,
    *,
    host: str,
    port: int,
    metrics_are_open: bool = False,
    wishes: Wishes | None = None,
) -> None:
    """Dispatch and answer until SIGTERM or SIGINT. Raises StaleEpoch when another dispatcher took charge."""
    engine = Engine(fleet, store, MachineClock(), wishes=wishes)
    config = uvicorn.Config(
        create_app(engine, token, metrics_are_open=metrics_are_open),
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, server)
    await _until_either_ends(engine, server)
    log.info("dispatcher stopped", epoch=engine.epoch)


async def _until_either_ends(engine: Engine, server: uvicorn.Server) -> None:
    dispatching = asyncio.create_task(engine.run())
    serving = asyncio.create_task(server.serve())
    await asyncio.wait([dispatching, serving], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    dispatching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await dispatching


def _stop(server: uvicorn.Server) -> None:
    log.info("told to stop")
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
