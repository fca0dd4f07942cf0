"""What ten thousand resting brands cost the controller, and how soon it answers a thousand edits. `python -m tests.bench.controller`.

The controller, its store and its work queue are real, the manifests are those of a laptop; the dispatcher does nothing. Who edits
is a process of his own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from unittest import mock

import structlog

from cluster import logs
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.local_manifests import LocalManifests
from cluster.ports import Manifests, Recorder
from operators.controller import Controller
from tests.bench import resting_farm
from tests.bench.resting_farm import CountedManifests, QuietDispatcher

BRANDS, EDITS, QUIET_SECONDS = 10_000, 1_000, 60.0
BURST = 10
"""Edits that somebody sends at the same time; kubectl sends one after another."""

T = TypeVar("T")
Gate = dict[str, int]
Edits = dict[
    str, tuple[int, float]
]  # by a brand's name, the generation that an edit made, and when it was taken, in steady seconds


@dataclass(frozen=True)
class Editing:
    """How soon edits were answered: so many sent at a time, in how many seconds; the lag of each in seconds, CPU seconds."""

    at_a_time: int
    seconds: float
    lags: tuple[float, ...]
    cpu: float

    def lag(self, share: float) -> float:
        """The lag in seconds that this share of the edits stayed below."""
        return sorted(self.lags)[min(len(self.lags) - 1, int(share * len(self.lags)))]

    def __str__(self) -> str:
        how = "one after another" if self.at_a_time == 1 else f"{self.at_a_time} at a time"
        return (
            f"{f'{len(self.lags)} edits, {how}, until their status':52}p50 {self.lag(0.5):.2f} s, p99 {self.lag(0.99):.2f} s, "
            f"{self.cpu:.1f} CPU s; {len(self.lags) / self.seconds:.0f} a second were taken"
        )


@dataclass(frozen=True)
class Figures:
    """What was measured: seconds, CPU seconds, mebibytes, statuses written, hand-overs."""

    brands: int
    sync_seconds: float
    sync_cpu: float
    sync_mebibytes: float
    sync_writes: int
    quiet_seconds: float
    quiet_cpu: float
    quiet_writes: int
    steady: Editing
    burst: Editing
    told: int

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{f'first sync of {self.brands} brands at rest':52}{self.sync_seconds:.1f} s, {self.sync_cpu:.1f} CPU s, "
                f"{self.sync_mebibytes:.0f} MiB, {self.sync_writes} statuses written, {self.told} sets handed over",
                f"{'quiet, a minute of it':52}{self.quiet_cpu * 60 / self.quiet_seconds:.1f} CPU s, "
                f"{self.quiet_writes} statuses written",
                str(self.steady),
                str(self.burst),
            )
        )


@dataclass(frozen=True)
class Keeping:
    """How manifests are kept: `edit_all` gives the brands of these names another gate, so many at a time; another process can call it."""

    documents: Manifests
    edit_all: Callable[[list[str], int, Gate], Edits]
    follow: Callable[[], Coroutine[Any, Any, NoReturn]] | None = None
    recorder: Recorder | None = None
    status_seconds: float = 0.0


async def measured(keeping: Keeping, store: FolderStore, edits: int, quiet_seconds: float) -> Figures:
    """The figures over these manifests and this store, which are filled already; nobody else uses them meanwhile."""
    documents, dispatcher = CountedManifests(keeping.documents), QuietDispatcher()
    cpu, began = time.process_time(), time.monotonic()
    async with _running(keeping, documents, store, dispatcher) as controller:
        await controller.synced.wait()
        sync_seconds, sync_cpu, sync_writes = time.monotonic() - began, time.process_time() - cpu, documents.writes
        mebibytes, told = _resident_mebibytes(), dispatcher.told
        names = [name for _, name in await documents.names("BrandProject")]
        cpu = time.process_time()
        await asyncio.sleep(quiet_seconds)
        quiet_cpu, quiet_writes = time.process_time() - cpu, documents.writes - sync_writes
        steady = await _edited(keeping, documents, names[:edits], 1, {"approvals": 1})
        burst = await _edited(keeping, documents, names[:edits], BURST, {"approvals": 0})
    return Figures(
        len(names), sync_seconds, sync_cpu, mebibytes, sync_writes, quiet_seconds, quiet_cpu, quiet_writes, steady, burst, told
    )  # fmt: skip


@asynccontextmanager
async def _running(
    keeping: Keeping, documents: CountedManifests, store: FolderStore, dispatcher: QuietDispatcher
) -> AsyncIterator[Controller]:
    rounds = resting_farm.rounds_over(documents, store, dispatcher, keeping.recorder, keeping.status_seconds)
    controller = Controller(documents, rounds, dispatcher, MachineClock())
    tasks = [asyncio.create_task(controller.run())]
    if keeping.follow is not None:
        tasks.append(asyncio.create_task(keeping.follow()))
    try:
        yield controller
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _edited(
    keeping: Keeping, documents: CountedManifests, names: list[str], at_a_time: int, gate: Gate
) -> Editing:
    """Let a person edit these brands, and wait until the status of each speaks of its edit."""
    cpu = time.process_time()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as person:
        began = await asyncio.get_running_loop().run_in_executor(person, keeping.edit_all, names, at_a_time, gate)
    for name, (generation, _) in began.items():
        while documents.said.get(name, (0, 0.0))[0] < generation:
            await asyncio.sleep(0.05)
    taken = [at for _, at in began.values()]
    lags = tuple(documents.said[name][1] - at for name, (_, at) in began.items())
    return Editing(at_a_time, max(taken) - min(taken), lags, time.process_time() - cpu)


async def edited_as_fast_as_taken(names: list[str], at_a_time: int, edit: Callable[[str], Awaitable[int]]) -> Edits:
    """One edit of each; `edit` says the new generation."""
    began: Edits = {}

    async def noted(name: str) -> None:
        generation = await edit(name)
        began[name] = (generation, time.monotonic())

    for start in range(0, len(names), at_a_time):
        await asyncio.gather(*map(noted, names[start : start + at_a_time]))
    return began


def _resident_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(deed: Callable[[], T]) -> T:
    """What a deed comes to in a process of its own, so that its memory is nobody else's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with os.fdopen(writing, "wb") as answer:
                pickle.dump(deed(), answer)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = answer.read()
    assert os.waitpid(child, 0)[1] == 0, "a part of the bench failed"
    came_to: T = pickle.loads(told)
    return came_to


def fill(folder: Path, brands: int) -> None:
    """A laptop's farm of so many brands at rest."""
    with mock.patch.object(os, "fsync"):
        asyncio.run(_filled(folder, brands))


async def _filled(folder: Path, brands: int) -> None:
    documents = LocalManifests(folder / "farm.sqlite")
    await resting_farm.filled(documents, FolderStore(folder / "store"), brands)
    documents.close()


def measured_on_this_machine(folder: Path, edits: int) -> Figures:
    """The figures of a farm that was filled, over a laptop's manifests."""
    return asyncio.run(_measured_on_this_machine(folder, edits))


async def _measured_on_this_machine(folder: Path, edits: int) -> Figures:
    documents = LocalManifests(folder / "farm.sqlite")
    keeping = Keeping(documents, partial(_edit_all, folder))
    figures = await measured(keeping, FolderStore(folder / "store"), edits, QUIET_SECONDS)
    documents.close()
    return figures


def _edit_all(folder: Path, names: list[str], at_a_time: int, gate: Gate) -> Edits:
    documents = LocalManifests(folder / "farm.sqlite")

    async def edit(name: str) -> int:
        document = await documents.get("BrandProject", "default", name)
        document["spec"]["gate"] = gate
        return int((await documents.replace(document))["metadata"]["generation"])

    edits = asyncio.run(edited_as_fast_as_taken(names, at_a_time, edit))
    documents.close()
    return edits


@contextmanager
def logging_to_nowhere() -> Iterator[None]:
    """Log as the controller's process does, at its price, and leave stdout to the figures."""
    with Path(os.devnull).open("w") as nowhere:
        logs.to_stderr_as_json("controller")
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        yield


def main() -> None:
    """Print the figures."""
    brands = int(sys.argv[1]) if len(sys.argv) > 1 else BRANDS
    with tempfile.TemporaryDirectory(prefix="brandfarm-bench-") as name, logging_to_nowhere():
        folder = Path(name)
        apart(lambda: fill(folder, brands))
        print(measured_on_this_machine(folder, min(EDITS, brands // 2)))


if __name__ == "__main__":
    main()
