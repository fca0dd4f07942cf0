"""A store in memory with a clock that is turned by hand; held to the same contract as the real ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from cluster import store_keys
from jobs import keys
from jobs.errors import KeyNotFound
from jobs.ports import Stored


class MemoryStore:
    """An ObjectStore; `now` is its clock, in seconds since 1970. Several clients may share one `kept`."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.kept: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        self.kept[store_keys.required(key)] = (data, self.now)

    def create(self, key: str, data: bytes) -> bool:
        store_keys.required(key)
        with self._lock:
            return self.kept.setdefault(key, (data, self.now))[0] == data

    def get(self, key: str) -> bytes:
        store_keys.required(key)
        if key not in self.kept:
            raise KeyNotFound(f"Nothing stands under {key}.")
        return keys.checked(key, self.kept[key][0])

    def exists(self, key: str) -> bool:
        return store_keys.required(key) in self.kept

    def list(self, prefix: str) -> Iterator[str]:
        store_keys.required_prefix(prefix)
        return iter(sorted(key for key in self.kept if key.startswith(prefix)))

    def sizes(self, prefix: str) -> Iterator[Stored]:
        return iter([found for key in self.list(prefix) if (found := self.stat(key))])

    def stat(self, key: str) -> Stored | None:
        found = self.kept.get(store_keys.required(key))
        return Stored(key, len(found[0]), found[1]) if found else None

    def delete(self, key: str) -> None:
        self.kept.pop(store_keys.required(key), None)

    def put_file(self, key: str, path: Path, tell: Callable[[int], None] | None = None) -> None:
        self.put(key, path.read_bytes())
        if tell is not None:
            tell(path.stat().st_size)

    def get_file(self, key: str, path: Path) -> None:
        path.write_bytes(self.get(key))
