"""A store that can be sent away and called back. Held to the port by passing everything on while it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from jobs.errors import StoreUnavailable
from jobs.ports import ObjectStore, Stored


class AwayStore:
    """Another store, which raises StoreUnavailable from every method while `is_away`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.is_away = False

    def put(self, key: str, data: bytes) -> None:
        self._there().put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        return self._there().create(key, data)

    def get(self, key: str) -> bytes:
        return self._there().get(key)

    def exists(self, key: str) -> bool:
        return self._there().exists(key)

    def list(self, prefix: str) -> Iterator[str]:
        return self._there().list(prefix)

    def sizes(self, prefix: str) -> Iterator[Stored]:
        return self._there().sizes(prefix)

    def stat(self, key: str) -> Stored | None:
        return self._there().stat(key)

    def delete(self, key: str) -> None:
        self._there().delete(key)

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        self._there().put_file(key, path, tell)

    def get_file(self, key: str, path: Path) -> None:
        self._there().get_file(key, path)

    def _there(self) -> ObjectStore:
        if self.is_away:
            raise StoreUnavailable("The store is away.", hint="Has it come back?")
        return self._store
