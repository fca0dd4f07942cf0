"""Of dispatchers that take charge at the same moment, each has an epoch of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cluster import ledger
from cluster.folder_store import FolderStore

DISPATCHERS = 16


class Meeting(FolderStore):
    """A store in which all who look for the last epoch have looked before any of them goes on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._together = threading.Barrier(DISPATCHERS)

    def list(self, prefix: str) -> Iterator[str]:
        found = [*super().list(prefix)]
        self._together.wait(60)
        return iter(found)


def test_dispatchers_that_take_charge_at_once_get_an_epoch_each(tmp_path: Path) -> None:
    store = Meeting(tmp_path)
    with ThreadPoolExecutor(DISPATCHERS) as pool:
        claims = [f"claim {number}".encode() for number in range(DISPATCHERS)]
        epochs = list(pool.map(lambda claim: ledger.take_charge(store, claim), claims))
    assert sorted(epochs) == list(range(1, DISPATCHERS + 1))
