"""What a forked child does: furnish a store, or be a worker that is killed somewhere. Imports torch; only tests.faults.forks imports it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import structlog
import torch

from cluster import worker as workers
from cluster.clocks import MachineClock
from cluster.folder_store import FolderStore
from cluster.ports import EventKind, Workbench
from cluster.worker import Worker
from jobs import failpoints, run
from jobs.bases import catalogue, loading
from jobs.bases.catalogue import BaseEntry
from jobs.bases.loading import Base
from jobs.datasets.prepare import Turns
from jobs.failpoints import Failpoints
from jobs.ports import ObjectStore
from jobs.spec import Job, TrainAsk
from jobs.workbench import trainings
from jobs.workbench.resident import Room
from tests.jobs import bench as given
from tests.jobs.generation.given import kept_adapter
from tests.jobs.training import given as small

EPOCH = 1
POLL_SECONDS = 0.5
BATCH = 4


def warm_up() -> None:
    """Everything that every child needs, read once; one thread, so that forking is safe."""
    torch.set_num_threads(1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    diffusers.logging.set_verbosity_error()
    loading.load = functools.cache(loading.load)
    loading.load(catalogue.by_name("tiny"), "cpu")
    _small_base()


def furnish(store: str, adapters: int = 1) -> list[str]:
    """The digests of adapters with random weights, kept in a store."""
    return [kept_adapter(FolderStore(Path(store)), seed) for seed in range(adapters)]


def be_worker(
    store: str,
    jobs: Sequence[dict[str, Any]],
    attempt: int,
    *,
    reported: str,
    plan: str = "",
    seed: int = 0,
    ledger: str = "",
    base: str = "tiny",
) -> dict[str, Any]:
    """Holds jobs until each has ended; by id, why those failed that did, and whether trying again can help."""
    workers.BACK_OFF_SECONDS = 0.05
    failpoints.arm(Failpoints(failpoints.parse(plan), seed, Path(ledger) if ledger else None))
    worker = Worker("worker-0", lambda: BENCHES[base](FolderStore(Path(store))))
    for job in jobs:
        worker.begin(EPOCH, Job.model_validate(job), attempt)
    worker.start()
    try:
        return asyncio.run(_until_ended(worker, len(jobs), Path(reported)))
    finally:
        worker.close()  # its last turn may not be over when it has told that everything has ended


def _tiny_bench(store: FolderStore) -> Workbench:
    """The real workbench on the base that the package ships; its source has three pictures."""
    source = given.MemorySource(dict(list(given.files(6).items())[6:]))  # none that the training's dataset holds
    return run.open_workbench(store, lambda _: source, MachineClock(), threads=1, room=Room(batch=BATCH))


def _small_bench(store: FolderStore) -> Workbench:
    """The same on a UNet of a few thousand random weights, with datasets that are prepared already, for trainings only."""
    loading.load = lambda *_: _small_base()
    trainings.prepare = _prepared
    return run.open_workbench(store, lambda _: given.MemorySource({}), MachineClock(), threads=1, find_base=_no_entry)


@functools.cache
def _small_base() -> Base:
    return small.small_base(torch.float32)


def _prepared(store: ObjectStore, base: Base, ask: TrainAsk) -> Turns:
    yield 1, 1
    return small.dataset(ord(ask.dataset))


def _no_entry(digest: str) -> BaseEntry:
    return catalogue.by_name("tiny")


BENCHES = {"tiny": _tiny_bench, "small": _small_bench}


async def _until_ended(worker: Worker, jobs: int, reported: Path) -> dict[str, Any]:
    ended: dict[str, Any] = {}
    heard = 0
    while len(ended) < jobs:
        batch = await worker.events(EPOCH, heard, POLL_SECONDS)
        for event in batch.events:
            heard = event.number
            if event.kind is EventKind.FINISHED:
                ended[event.job] = None
                with reported.open("a") as told:
                    told.write(event.job + "\n")
            elif event.kind is EventKind.FAILED:
                assert event.trouble is not None
                ended[event.job] = event.trouble.model_dump()
    return ended
