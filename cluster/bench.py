"""Opens the real workbench inside a worker's process: the store and the sources from here, the work from jobs.run.

The only module of this floor that reaches torch, and only when it is called.
"""

from __future__ import annotations

from pathlib import Path

from cluster import sources, stores
from cluster.clocks import MachineClock
from cluster.farm_home import default_bases
from cluster.ports import Workbench


def open_workbench(
    store: str, threads: int, batch: int = 8, rows: int = 8, resident: int = 32, bases: str = ""
) -> Workbench:
    """The workbench over a store's address; `batch` images are drawn at once, `rows` of `resident` trainings step together.

    bases: the folder that this node's workers keep the store's base models in; left out, this person's cache.
    """
    from jobs import run
    from jobs.bases.on_disk import BasesOnDisk
    from jobs.workbench.resident import Room

    opened = stores.open_store(store, may_make=False)
    room = Room(rows=rows, resident=max(rows, resident), batch=batch)
    return run.open_workbench(
        opened,
        lambda address: sources.open_source(opened, address),
        MachineClock(),
        threads=threads,
        room=room,
        find_base=BasesOnDisk(opened, Path(bases) if bases else default_bases()).entry,
    )
