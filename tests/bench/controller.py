"""What ten thousand resting brands cost the controller, and how soon it answers a thousand edits. `python -m tests.bench.controller`.

The controller, its store and its work queue are real, the manifests are those of a laptop; the dispatcher does nothing.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import structlog

from cluster import logs
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.local_manifests import LocalManifests
from cluster.ports import Manifests
from operators.controller import Controller
from tests.bench import resting_farm
from tests.bench.resting_farm import CountedManifests, QuietDispatcher

BRANDS, EDITS, QUIET_SECONDS = 10_000, 1_000, 60.0
EDITS_AT_A_TIME = 10


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


async def measured(inner: Manifests, store: FolderStore, brands: int, edits: int, quiet_seconds: float) -> Figures:
    """The figures over these manifests and this store, which are filled already; nobody else uses them meanwhile."""
    documents, dispatcher = CountedManifests(inner), QuietDispatcher()
    cpu, began = time.process_time(), time.monotonic()
    async with _running(documents, store, dispatcher) as controller:
        await controller.synced.wait()
        sync_seconds, sync_cpu, sync_writes = time.monotonic() - began, time.process_time() - cpu, documents.writes
        mebibytes, told = _resident_mebibytes(), dispatcher.told
        cpu = time.process_time()
        await asyncio.sleep(quiet_seconds)
        quiet_cpu, quiet_writes = time.process_time() - cpu, documents.writes - sync_writes
        cpu = time.process_time()
        lags = await _edited(documents, edits)
        edit_cpu = time.process_time() - cpu
    return Figures(
        brands, sync_seconds, sync_cpu, mebibytes, sync_writes, quiet_seconds, quiet_cpu, quiet_writes, edits,
        tuple(lags), edit_cpu, told,
    )  # fmt: skip


@asynccontextmanager
async def _running(
    documents: CountedManifests, store: FolderStore, dispatcher: QuietDispatcher
) -> AsyncIterator[Controller]:
    rounds = resting_farm.rounds_over(documents, store, dispatcher)
    controller = Controller(documents, rounds, dispatcher, MachineClock())
    task = asyncio.create_task(controller.run())
    try:
        yield controller
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _edited(documents: CountedManifests, edits: int) -> list[float]:
    """Edit so many brands, a few at a time as fast as they are taken; the seconds until the status of each speaks of its edit."""
    names = [name for _, name in await documents.names("BrandProject")][:edits]
    began: dict[str, tuple[int, float]] = {}
    for start in range(0, len(names), EDITS_AT_A_TIME):
        batch = names[start : start + EDITS_AT_A_TIME]
        await asyncio.gather(*(_edit(documents, name, began) for name in batch))
    while any(documents.said.get(name, (0, 0.0))[0] < generation for name, (generation, _) in began.items()):
        await asyncio.sleep(0.05)
    return [documents.said[name][1] - at for name, (_, at) in began.items()]


async def _edit(documents: CountedManifests, name: str, began: dict[str, tuple[int, float]]) -> None:
    document = await documents.get("BrandProject", "default", name)
    document["spec"]["gate"] = {"approvals": 1}
    written = await documents.replace(document)
    began[name] = (written["metadata"]["generation"], time.monotonic())


def _resident_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _fill(folder: Path, brands: int) -> None:
    """In a process of its own, so that what filling took is nobody's memory."""
    with mock.patch.object(os, "fsync"):
        asyncio.run(_filled(folder, brands))


async def _filled(folder: Path, brands: int) -> None:
    documents = LocalManifests(folder / "farm.sqlite")
    await resting_farm.filled(documents, FolderStore(folder / "store"), brands)
    documents.close()


async def _measured_on_this_machine(folder: Path, brands: int, edits: int) -> Figures:
    documents = LocalManifests(folder / "farm.sqlite")
    figures = await measured(documents, FolderStore(folder / "store"), brands, edits, QUIET_SECONDS)
    documents.close()
    return figures


@contextmanager
def _logging_to_nowhere() -> Iterator[None]:
    """Log as the controller's process does, at its price, and leave stdout to the figures."""
    with Path(os.devnull).open("w") as nowhere:
        logs.to_stderr_as_json("controller")
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        yield


def main() -> None:
    """Print the figures."""
    brands = int(sys.argv[1]) if len(sys.argv) > 1 else BRANDS
    with tempfile.TemporaryDirectory(prefix="brandfarm-bench-") as name, _logging_to_nowhere():
        folder = Path(name)
        filling = os.fork()
        if filling == 0:
            _fill(folder, brands)
            os._exit(0)
        assert os.waitpid(filling, 0)[1] == 0, "the farm could not be filled"
        print(asyncio.run(_measured_on_this_machine(folder, brands, min(EDITS, brands // 2))))


if __name__ == "__main__":
    main()
