"""What a worker has come to, as numbers: counts and seconds that only grow, and what it holds now. Knows nobody who reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Figure(StrEnum):
    """A worker's figures by the names that they are told under. What ends in `_total` only grows while its process lives."""

    STEPS = "steps_total"
    FUSED_STEPS = "fused_steps_total"
    IMAGES = "images_total"
    BATCHES = "batches_total"
    PADDED_IMAGES = "padded_images_total"
    DUPLICATE_RECORDS = "duplicate_records_total"
    BUSY_SECONDS = "busy_seconds_total"
    TRAINING_SECONDS = "training_seconds_total"
    DRAWING_SECONDS = "drawing_seconds_total"
    INTAKE_SECONDS = "intake_seconds_total"
    LOADING_SECONDS = "loading_seconds_total"
    ENCODING_SECONDS = "encoding_seconds_total"
    STORE_SECONDS = "store_seconds_total"
    ROWS_IN_USE = "rows_in_use"
    ROWS_FREE = "rows_free"
    CHUNKS_HELD = "chunks_held"
    DEVICE_MEMORY = "device_memory_bytes"  # only where there is a device with a memory of its own

    @property
    def only_grows(self) -> bool:
        return self.value.endswith("_total")


GROWING = tuple(figure for figure in Figure if figure.only_grows)


class Tally:
    """The growing figures of one process, added to from any thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sums = dict.fromkeys(GROWING, 0.0)

    def add(self, figure: Figure, amount: float = 1.0) -> None:
        """So much more of a growing figure."""
        assert amount >= 0, f"{figure} only grows, not by {amount}"
        with self._lock:
            self._sums[figure] += amount

    @contextmanager
    def timing(self, figure: Figure) -> Iterator[None]:
        """Add the seconds that pass inside, also where something goes wrong there."""
        began = self._monotonic()
        try:
            yield
        finally:
            self.add(figure, max(0.0, self._monotonic() - began))

    def read(self) -> dict[str, float]:
        """Every growing figure by name, 0 where nothing was counted."""
        with self._lock:
            return {figure.value: amount for figure, amount in self._sums.items()}
