"""A store that counts the seconds spent in it, and the results that somebody else had recorded before. Changes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from jobs import keys
from jobs.figures import Figure, Tally
from jobs.ports import ObjectStore, Stored

_RESULTS = (keys.intake(""), keys.train(""), keys.chunk(""), keys.IMAGES)
"""Records that stand for work: to find one there already means that the work was done twice."""


class MeteredStore:
    """An ObjectStore around another one. Of a listing only its beginning is timed."""

    def __init__(self, store: ObjectStore, tally: Tally) -> None:
        self._store, self._tally = store, tally

    def put(self, key: str, data: bytes) -> None:
        with self._tally.timing(Figure.STORE_SECONDS):
            self._store.put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        with self._tally.timing(Figure.STORE_SECONDS):
            is_ours = self._store.create(key, data)
        if not is_ours and key.startswith(_RESULTS):
            self._tally.add(Figure.DUPLICATE_RECORDS)
        return is_ours

    def get(self, key: str) -> bytes:
        with self._tally.timing(Figure.STORE_SECONDS):
            return self._store.get(key)

    def exists(self, key: str) -> bool:
        with self._tally.timing(Figure.STORE_SECONDS):
            return self._store.exists(key)

    def list(self, prefix: str) -> Iterator[str]:
        with self._tally.timing(Figure.STORE_SECONDS):
            return self._store.list(prefix)

    def sizes(self, prefix: str) -> Iterator[Stored]:
        with self._tally.timing(Figure.STORE_SECONDS):
            return self._store.sizes(prefix)

    def stat(self, key: str) -> Stored | None:
        with self._tally.timing(Figure.STORE_SECONDS):
            return self._store.stat(key)

    def delete(self, key: str) -> None:
        with self._tally.timing(Figure.STORE_SECONDS):
            self._store.delete(key)

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        with self._tally.timing(Figure.STORE_SECONDS):
            self._store.put_file(key, path, tell)

    def get_file(self, key: str, path: Path) -> None:
        with self._tally.timing(Figure.STORE_SECONDS):
            self._store.get_file(key, path)
