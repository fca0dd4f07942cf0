"""A checkpoint broken off at any of its writes is as if it had not been begun: no pointer names what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs.errors import StoreUnavailable
from jobs.training import checkpoint
from tests.jobs.training.given import dataset, job, run, trainer


class BrokenOff(FolderStore):
    """A store that goes away before one of its writes, counted from `writes_left`."""

    writes_left = 1_000

    def put(self, key: str, data: bytes) -> None:
        self._count()
        super().put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._count()
        return super().create(key, data)

    def _count(self) -> None:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise StoreUnavailable("The store is away.")


@pytest.mark.parametrize("writes", [0, 1])  # the samples' blob, an empty list, stands since the first checkpoint
def test_a_checkpoint_that_is_broken_off_leaves_the_one_before_it_the_newest(tmp_path: Path, writes: int) -> None:
    store, asked = BrokenOff(tmp_path), job()
    one = trainer(store)
    one.admit(asked, 1, dataset())
    run(one, 2)
    one.checkpoint(asked.id)
    run(one, 2)
    store.writes_left = writes
    with pytest.raises(StoreUnavailable):
        one.checkpoint(asked.id)
    found = checkpoint.newest(store, asked.id)
    assert found.skipped == ()
    assert found.checkpoint is not None
    assert found.checkpoint.step == 2
    store.writes_left = 2
    one.checkpoint(asked.id)
    assert checkpoint.newest(store, asked.id).checkpoint != found.checkpoint
