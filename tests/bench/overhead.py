"""What one unit of work costs beside the work, on a resident worker over a folder store. `python -m tests.bench.overhead`.

A chunk's overhead is all between `begin` and its FINISHED event but drawing and encoding: taking it, its plan, its looks into
the store, blobs, image records, its own record, its log. A call's overhead is that of a resident worker told to do nothing.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster import logs
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.worker import Worker
from jobs import run
from jobs.generation import images
from jobs.generation.renderer import Renderer
from jobs.ports import Source
from jobs.work import EventKind, Workbench
from jobs.workbench.resident import Room
from tests.fakes.workbench import FakeWorkbench
from tests.jobs import bench as given

CHUNKS, SHOTS = 24, 8


class Stopwatch:
    """CPU seconds spent inside the functions that it was put around, over all threads."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.thread_time() - began

        return timed


def finish(bench: Workbench, job_id: str) -> None:
    """Turn the bench until a job has finished."""
    while True:
        for event in bench.turn():
            if event.job == job_id:
                assert event.kind is not EventKind.FAILED, event.trouble
                if event.kind is EventKind.FINISHED:
                    return


def chunk_overhead(folder: Path) -> list[float]:
    """CPU milliseconds beside drawing and encoding, of each of some chunks of one batch."""
    store, work = FolderStore(folder), Stopwatch()
    Renderer.draw = work.around(Renderer.draw)  # type: ignore[method-assign]
    images.png_of = work.around(images.png_of)
    bench = run.open_workbench(store, _no_source, MachineClock(), threads=1, room=Room(batch=SHOTS))
    jobs = [given.chunk(given.put_plan(store, number, shots=SHOTS)) for number in range(CHUNKS + 1)]
    bench.begin(jobs[0], 1)
    finish(bench, jobs[0].id)  # the base is loaded here
    spent = []
    for job in jobs[1:]:
        began, before = time.process_time(), work.seconds
        bench.begin(job, 1)
        finish(bench, job.id)
        spent.append((time.process_time() - began - (work.seconds - before)) * 1000)
    bench.close()
    return spent


def _no_source(address: str) -> Source:
    raise AssertionError(f"nothing is taken in from {address}")


async def call_overhead(folder: Path) -> list[float]:
    """Wall milliseconds from an order to its FINISHED event, of work of one step without drawing, through a worker's thread."""
    store = FolderStore(folder)
    worker = Worker("w", lambda: FakeWorkbench(store, steps=1))
    worker.start()
    spent, after = [], 0
    for number in range(CHUNKS):
        job = given.chunk(given.put_plan(store, number, shots=SHOTS))
        began = time.perf_counter()
        worker.begin(1, job, 1)
        is_done = False
        while not is_done:
            batch = await worker.events(1, after, 5.0)
            after = max([after, *(event.number for event in batch.events)])
            is_done = any(event.kind is EventKind.FINISHED for event in batch.events)
        spent.append((time.perf_counter() - began) * 1000)
    worker.close()
    return spent


def _row(name: str, spent: list[float]) -> None:
    ordered = sorted(spent)
    print(f"| {name} | {statistics.median(spent):.1f} ms | {ordered[int(0.95 * (len(ordered) - 1))]:.1f} ms |")


def main() -> None:
    """Print the figures."""
    logs.to_stderr_as_json("bench")  # stdout is for the figures
    print(f"{CHUNKS} chunks of {SHOTS} images, one batch each.\n\n| a unit's overhead | median | p95 |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        _row("a chunk on a resident worker, CPU beside drawing and encoding", chunk_overhead(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        _row(
            "from an order to a worker until its end is told, wall, work of one empty step",
            asyncio.run(call_overhead(Path(folder))),
        )


if __name__ == "__main__":
    main()
