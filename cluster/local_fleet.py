"""Workers in this process, turned by hand: for tests of the dispatcher without Ray. Never used by `brandfarm up`."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.ports import EventBatch, Hello
from cluster.worker import Worker
from jobs.errors import WorkerLost
from jobs.spec import Job


class LocalFleet:
    """A fleet of workers that do a turn only when `turn` is called."""

    def __init__(self, workers: list[Worker]) -> None:
        self._workers = {worker.name: worker for worker in workers}
        self.wished: list[dict[str, int]] = []

    def turn(self) -> bool:
        """One turn of every worker; True if any had something to do."""
        did = [worker.turn() for worker in self._workers.values()]
        return any(did)

    def lose(self, worker: str) -> None:
        """A worker goes away at once, with all that it held."""
        del self._workers[worker]

    async def workers(self) -> list[str]:
        return sorted(self._workers)

    async def hello(self, worker: str, epoch: int) -> Hello:
        return self._there(worker).hello(epoch)

    async def begin(self, worker: str, epoch: int, job: Job, attempt: int) -> None:
        self._there(worker).begin(epoch, job, attempt)

    async def events(self, worker: str, epoch: int, after: int, wait_seconds: float) -> EventBatch:
        return await self._there(worker).events(epoch, after, wait_seconds)

    async def stop(self, worker: str, epoch: int, job: str, at_checkpoint: bool) -> None:
        self._there(worker).stop(epoch, job, at_checkpoint)

    async def wish(self, workers: Mapping[str, int]) -> None:
        """Remembered in `wished`; there are no nodes to be had here."""
        self.wished.append(dict(workers))

    async def release(self, worker: str) -> None:
        self._workers.pop(worker, None)

    async def close(self) -> None:
        """Nothing to let go of: the workers live in this process."""

    def _there(self, worker: str) -> Worker:
        if worker not in self._workers:
            raise WorkerLost(f"Worker {worker} is not there.", hint="Its jobs go to another worker.")
        return self._workers[worker]
