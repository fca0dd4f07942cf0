"""Stores that break one promise each, as servers, gateways and caches do. A check of the store must find every one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cluster.store_settings import BucketSettings
from jobs.errors import KeyNotFound, StoreError, StoreUnavailable
from jobs.ports import Stored
from tests.fakes.memory import MemoryStore


class LastWriteWins(MemoryStore):
    """A condition sent as a harmless metadata header: every creation overwrites, and says that it won."""

    def create(self, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True


class LooksThenWrites(MemoryStore):
    """A gateway that looks first and writes then: right for one client, wrong for many."""

    def create(self, key: str, data: bytes) -> bool:
        if key in self.kept:
            return self.kept[key][0] == data
        time.sleep(0.01)  # the time between the look and the write, in which the others look too
        self.put(key, data)
        return True


class RefusesButOverwrites(MemoryStore):
    """Says no, and writes all the same."""

    def create(self, key: str, data: bytes) -> bool:
        stood = key in self.kept
        self.put(key, data)
        return not stood


class OverwritesPuts(MemoryStore):
    """Keeps its condition only for what was created."""

    def create(self, key: str, data: bytes) -> bool:
        if "put" in key and self.kept.get(key, (b"", 0.0))[0] == b"first":
            self.put(key, data)
            return True
        return super().create(key, data)


class NobodyWins(MemoryStore):
    """Every creation is refused."""

    def create(self, key: str, data: bytes) -> bool:
        super().create(key, data)
        return False


class StaleReads(MemoryStore):
    """A cache in front: the first bytes are given out for ever."""

    def put(self, key: str, data: bytes) -> None:
        self.kept.setdefault(key, (data, self.now))


class LateReads(MemoryStore):
    """Another site: what was just put is not there yet."""

    def get(self, key: str) -> bytes:
        if "/read/" in key:
            raise KeyNotFound(f"Nothing stands under {key}.")
        return super().get(key)


class TornReads(MemoryStore):
    """Gives out the first half of what is large, and notices nothing."""

    def get(self, key: str) -> bytes:
        data = super().get(key)
        return data[: len(data) // 2] if len(data) > 2000 else data


class BlindReads(MemoryStore):
    """Does not look at digests."""

    def get(self, key: str) -> bytes:
        if key not in self.kept:
            raise KeyNotFound(f"Nothing stands under {key}.")
        return self.kept[key][0]


class StaleListing(MemoryStore):
    """What was just written is not listed."""

    def list(self, prefix: str) -> Iterator[str]:
        return iter(list(super().list(prefix))[:-1])


class UnsortedListing(MemoryStore):
    """Lists everything, in no order."""

    def list(self, prefix: str) -> Iterator[str]:
        return reversed(list(super().list(prefix)))


class OnePageListing(MemoryStore):
    """Forgets what is beyond a page."""

    def list(self, prefix: str) -> Iterator[str]:
        return iter(list(super().list(prefix))[:1000])


class WrongSizes(MemoryStore):
    """Lists sizes that are not those of the objects."""

    def sizes(self, prefix: str) -> Iterator[Stored]:
        return (Stored(one.key, one.size + 1, one.modified) for one in super().sizes(prefix))


class ListsTheDeleted(MemoryStore):
    """Goes on listing what is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: set[str] = set()

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data)
        self.ever.add(key)

    def list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.ever if key.startswith(prefix)))


class NeverDeletes(MemoryStore):
    """Says that it deletes."""

    def delete(self, key: str) -> None:
        if "/list-" not in key:
            return
        super().delete(key)


class LosesParts(MemoryStore):
    """Keeps the first part of a large object."""

    def put(self, key: str, data: bytes) -> None:
        super().put(key, data[: 16 * 2**20])


class AnotherTime(MemoryStore):
    """Its clock is ten minutes ahead."""

    def stat(self, key: str) -> Stored | None:
        found = super().stat(key)
        return Stored(found.key, found.size, found.modified + 600) if found else None


class LetsExpire(MemoryStore):
    """A bucket with a rule that lets everything go after a while, and one for caches only."""

    def settings(self) -> BucketSettings:
        return BucketSettings(expires=("cache/", ""))


class KeepsVersions(MemoryStore):
    """A bucket that keeps what is deleted."""

    def settings(self) -> BucketSettings:
        return BucketSettings(keeps_versions=True)


class Locked(MemoryStore):
    """A bucket that lets nothing be deleted for a while."""

    def settings(self) -> BucketSettings:
        return BucketSettings(is_locked=True)


class Full(MemoryStore):
    """A disk with little left."""

    def free_bytes(self) -> int:
        return 1000


class ScopesNothing(MemoryStore):
    """Lends credentials for a prefix, and lets them do everything."""

    def scoped(self, prefix: str) -> MemoryStore:
        return _Door(self)


class _Door(MemoryStore):
    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.kept = store.kept

    def close(self) -> None:
        pass


class ReadOnly(MemoryStore):
    """Lets nothing be written."""

    def put(self, key: str, data: bytes) -> None:
        raise StoreError("Access Denied", hint="Look at the policy.")

    def create(self, key: str, data: bytes) -> bool:
        raise StoreError("Access Denied", hint="Look at the policy.")


class GoneStore(MemoryStore):
    """Was there a moment ago."""

    asked = 0

    def create(self, key: str, data: bytes) -> bool:
        self.asked += 1
        raise StoreUnavailable("The store is away.", hint="Is it running?")

    put = create  # type: ignore[assignment]
