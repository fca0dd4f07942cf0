"""Which waiting shots go into the next batch. Pure: a pool of shots of many chunks in, fixed batches of one bucket out.

Chunks take turns, each in its frozen order; adapters, strengths, prompts and guidance mix freely within a bucket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from jobs.identity import AskedId
from jobs.shots import Recipe


@dataclass(frozen=True)
class Bucket:
    """What all images of a batch share. `guided` tells batches that ask the UNet twice from those that do not.

    `adapters` is the number of adapters side by side on an image, at least 1: the width of the added products.
    """

    base: str
    width: int
    height: int
    sampler: str
    steps: int
    guided: bool
    adapters: int


@dataclass(frozen=True)
class Waiting:
    """One shot that waits: its chunk, its place in the chunk's frozen order, its recipe."""

    chunk: AskedId
    index: int
    recipe: Recipe

    @property
    def bucket(self) -> Bucket:
        return bucket_of(self.recipe)


def bucket_of(recipe: Recipe) -> Bucket:
    """The bucket that an image is drawn in."""
    sampling = recipe.sampling
    return Bucket(
        base=recipe.base,
        width=recipe.width,
        height=recipe.height,
        sampler=sampling.name,
        steps=sampling.steps,
        guided=sampling.guidance > 1,
        adapters=max(1, len(recipe.adapters)),
    )


class Pool:
    """The shots that wait, and whose turn it is.

    `batch_size` is the fixed size of a batch; `slots` how many different adapters a batch may wear.
    """

    def __init__(self, batch_size: int, slots: int) -> None:
        assert min(batch_size, slots) > 0, f"batches of {batch_size}, {slots} slots"
        self._batch_size = batch_size
        self._slots = slots
        self._lines: dict[AskedId, dict[Bucket, deque[Waiting]]] = {}  # in the order of turns

    def __len__(self) -> int:
        return sum(len(line) for lines in self._lines.values() for line in lines.values())

    def add(self, shots: Iterable[Waiting]) -> None:
        """Let shots wait, behind those of their chunk that wait already."""
        for shot in shots:
            self._lines.setdefault(shot.chunk, {}).setdefault(shot.bucket, deque()).append(shot)

    def put_back(self, shots: Iterable[Waiting]) -> None:
        """Let shots of an undone batch wait again, each at its old place before the others of its chunk."""
        for shot in sorted(shots, key=lambda shot: shot.index, reverse=True):
            self._lines.setdefault(shot.chunk, {}).setdefault(shot.bucket, deque()).appendleft(shot)

    def drop(self, chunk: AskedId) -> None:
        """Forget a chunk's shots."""
        self._lines.pop(chunk, None)

    def next_batch(self) -> list[Waiting]:
        """The next 1 to `batch_size` shots, all of one bucket; empty where nothing waits.

        The chunk whose turn it is leads with its first shot; its neighbours take turns in filling that shot's bucket.
        """
        if not self._lines:
            return []
        leader = next(iter(self._lines))
        first = min((line[0] for line in self._lines[leader].values()), key=lambda shot: shot.index)
        batch = self._filled(first.bucket)
        self._lines[leader] = self._lines.pop(leader)  # to the end of the order of turns
        self._sweep()
        return batch

    def _filled(self, bucket: Bucket) -> list[Waiting]:
        batch: list[Waiting] = []
        worn: set[str] = set()
        turns = deque(lines[bucket] for lines in self._lines.values() if bucket in lines)
        while turns and len(batch) < self._batch_size:
            line = turns.popleft()
            wearing = worn.union(use.digest for use in line[0].recipe.adapters)
            if batch and len(wearing) > self._slots:
                continue  # no slot is left for its adapters: this chunk waits for another batch
            worn = wearing
            batch.append(line.popleft())
            if line:
                turns.append(line)
        return batch

    def _sweep(self) -> None:
        for chunk, lines in list(self._lines.items()):
            kept = {bucket: line for bucket, line in lines.items() if line}
            if kept:
                self._lines[chunk] = kept
            else:
                del self._lines[chunk]


def padded(recipes: Collection[Recipe], batch_size: int) -> list[Recipe]:
    """The recipes of a batch, its last one repeated until the batch is full."""
    assert 0 < len(recipes) <= batch_size, f"{len(recipes)} images for a batch of {batch_size}"
    full = list(recipes)
    return full + full[-1:] * (batch_size - len(full))
