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
EDITS_AT_A_TIME = 10
RAISED_GATE = {"approvals": 1}

T = TypeVar("T")
Edits = dict[
    str, tuple[int, float]
]  # by a brand's name, the generation that an edit made, and when it was taken, in steady seconds


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
    edits: int
    lags: tuple[float, ...]
    edit_cpu: float
    told: int

    def lag(self, share: float) -> float:
        """The lag in seconds that this share of the edits stayed below."""
        return sorted(self.lags)[min(len(self.lags) - 1, int(share * len(self.lags)))]

    def __str__(self) -> str:
        return "\n".join(
            (
                f"first sync of {self.brands} brands at rest      {self.sync_seconds:6.1f} s, {self.sync_cpu:.1f} CPU s, "
                f"{self.sync_mebibytes:.0f} MiB, {self.sync_writes} statuses written, {self.told} sets handed over",
                f"quiet, a minute of it                  {self.quiet_cpu * 60 / self.quiet_seconds:6.1f} CPU s, "
                f"{self.quiet_writes} statuses written",
                f"{self.edits} edits until their status            p50 {self.lag(0.5):.2f} s, p99 {self.lag(0.99):.2f} s, "
                f"{self.edit_cpu:.1f} CPU s",
            )
        )


@dataclass(frozen=True)
class Keeping:
    """How manifests are kept: `edit_all` changes the gates of the brands of these names, and can be sent to another process."""

    documents: Manifests
    edit_all: Callable[[list[str]], Edits]
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
        cpu = time.process_time()
        lags = await _edited(keeping, documents, names[:edits])
        edit_cpu = time.process_time() - cpu
    return Figures(
        len(names), sync_seconds, sync_cpu, mebibytes, sync_writes, quiet_seconds, quiet_cpu, quiet_writes, edits,
        tuple(lags), edit_cpu, told,
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


async def _edited(keeping: Keeping, documents: CountedManifests, names: list[str]) -> list[float]:
    """Let a person edit these brands; the seconds until the status of each speaks of its edit."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as person:
        began = await asyncio.get_running_loop().run_in_executor(person, keeping.edit_all, names)
    for name, (generation, _) in began.items():
        while documents.said.get(name, (0, 0.0))[0] < generation:
            await asyncio.sleep(0.05)
    return [documents.said[name][1] - at for name, (_, at) in began.items()]


async def edited_as_fast_as_taken(names: list[str], edit: Callable[[str], Awaitable[int]]) -> Edits:
    """One edit of each, a few at a time; `edit` says the new generation."""
    began: Edits = {}

    async def noted(name: str) -> None:
        generation = await edit(name)
        began[name] = (generation, time.monotonic())

    for start in range(0, len(names), EDITS_AT_A_TIME):
        await asyncio.gather(*map(noted, names[start : start + EDITS_AT_A_TIME]))
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


def _edit_all(folder: Path, names: list[str]) -> Edits:
    documents = LocalManifests(folder / "farm.sqlite")

    async def edit(name: str) -> int:
        document = await documents.get("BrandProject", "default", name)
        document["spec"]["gate"] = RAISED_GATE
        return int((await documents.replace(document))["metadata"]["generation"])

    edits = asyncio.run(edited_as_fast_as_taken(names, edit))
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
