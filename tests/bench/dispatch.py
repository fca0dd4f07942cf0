"""How fast the dispatcher places work: 10,000 pending jobs of 50 shapes on 64 workers. `python -m tests.bench.dispatch`.

Prints figures and judges none. No worker, store or network takes part: what is measured is the deciding.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cluster.dispatcher import Dispatcher
from cluster.instructions import Begin, Found, Instruction, Look
from cluster.ports import EventBatch, EventKind, Offer, WantedSet, WorkEvent
from cluster.reports import Reporting
from jobs.spec import Job
from tests.cluster.dispatching import chunk, hello, moment, training, wanted

JOBS, SHAPES, WORKERS = 10_000, 50, 64
ROOM = Offer(base="base-a", train_rows=2, chunks=2)


class Bench:
    """Workers that finish all they hold between two cycles, and the time that each step took."""

    def __init__(self) -> None:
        self.dispatcher = Dispatcher()
        self.seconds = 0.0
        self.cycles: list[float] = []
        self.held: dict[str, list[Begin]] = {f"worker-{n:02d}": [] for n in range(WORKERS)}
        self.numbers = dict.fromkeys(self.held, 0)

    def cycle(self) -> int:
        """Place once; how many were placed."""
        began = time.perf_counter()
        placed = self.dispatcher.place(moment(self.seconds))
        self.cycles.append(time.perf_counter() - began)
        for one in placed:
            assert isinstance(one, Begin)
            self.held[one.worker].append(one)
        return len(placed)

    def finish_all(self) -> None:
        """Every worker tells that it has finished what it held, and the store confirms it."""
        self.seconds += 1.0
        for worker, begun in self.held.items():
            events = tuple(self._finished(worker, one) for one in begun)
            begun.clear()
            batch = EventBatch(incarnation="first", events=events, offer=ROOM)
            for look in self.dispatcher.told(worker, batch, moment(self.seconds)):
                assert isinstance(look, Look)
                self.dispatcher.looked(look, Found(record=True), moment(self.seconds))

    def _finished(self, worker: str, begun: Begin) -> WorkEvent:
        self.numbers[worker] += 1
        return WorkEvent(number=self.numbers[worker], job=begun.job.id, attempt=begun.attempt, kind=EventKind.FINISHED)


def many_jobs() -> list[Job]:
    """Half trainings, half chunks, of 25 projects: 50 shapes."""
    made = []
    for number in range(JOBS):
        kind, project = divmod(number % SHAPES, SHAPES // 2)
        made.append((training if kind else chunk)(number, project=f"studio/{project}"))
    return made


def timed(what: str, do: Callable[[], object]) -> None:
    """Do something once and print how long it took."""
    began = time.perf_counter()
    do()
    print(f"{what:<58}{(time.perf_counter() - began) * 1000:10.1f} ms")


def main() -> None:
    """Run everything once and print the figures."""
    bench = Bench()
    dispatcher = bench.dispatcher
    jobs = many_jobs()
    body = wanted(*jobs).model_dump_json()
    print(f"{JOBS} jobs of {SHAPES} shapes, {WORKERS} workers with room for {ROOM.train_rows + ROOM.chunks} each")
    timed(f"read a set of {JOBS} jobs ({len(body) / 1e6:.1f} MB)", lambda: WantedSet.model_validate_json(body))
    looks: list[Instruction] = []
    timed("take the set in (ids are hashed here)", lambda: looks.extend(dispatcher.want("o", wanted(*jobs), moment(0))))
    timed("take the same set in again", lambda: dispatcher.want("o", wanted(*jobs), moment(0)))
    timed(
        "queue them all",
        lambda: [dispatcher.looked(one, Found(False), moment(0)) for one in looks if isinstance(one, Look)],
    )
    timed("a cycle without workers", bench.cycle)
    for worker in bench.held:
        dispatcher.met(hello(worker, offer=ROOM), moment(0))
    timed("the first cycle, all workers empty", bench.cycle)
    timed("a cycle, all workers full", bench.cycle)
    timed("report on all jobs to their owner", lambda: report(dispatcher))
    bench.cycles.clear()
    began, placed = time.perf_counter(), 0
    while len(dispatcher.book.queue):
        bench.finish_all()
        while now := bench.cycle():
            placed += now
    elapsed = time.perf_counter() - began
    slowest = sorted(bench.cycles)[int(0.99 * len(bench.cycles))]
    print(f"dispatched {placed} in {elapsed:.2f} s: {placed / elapsed:.0f} a second, news and confirmations included")
    print(f"cycle p50 {sorted(bench.cycles)[len(bench.cycles) // 2] * 1000:.1f} ms, p99 {slowest * 1000:.1f} ms")


def report(dispatcher: Dispatcher) -> None:
    """What a controller gets back."""
    reporting = Reporting(dispatcher.book, moment(1))
    {job: reporting.job(dispatcher.entry(job)) for job in dispatcher.wanted_by("o")}


if __name__ == "__main__":
    main()
