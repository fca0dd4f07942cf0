"""Opens the real workbench inside a worker's process: the store and the sources from here, the work from jobs.run.

The only module of this floor that reaches torch, and only when it is called.
"""

from __future__ import annotations

from cluster import sources, stores
from cluster.clocks import MachineClock
from cluster.ports import Workbench


def open_workbench(store: str, threads: int, batch: int = 8, rows: int = 8) -> Workbench:
    """The workbench over a store's address; `batch` images are drawn at once, `rows` trainings step together."""
    from jobs import run
    from jobs.workbench.resident import Room

    opened = stores.open_store(store, may_make=False)
    room = Room(rows=rows, batch=batch)
    return run.open_workbench(
        opened, lambda address: sources.open_source(opened, address), MachineClock(), threads=threads, room=room
    )
