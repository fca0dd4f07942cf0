"""A race of writers for the same records, over any stores, and what must be true at its end. Knows no server and no proxy."""

from __future__ import annotations

import dataclasses
import json
import random
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from jobs import blobs, keys, publish
from jobs.errors import StoreUnavailable
from jobs.identity import digest_of
from jobs.ports import ObjectStore
from jobs.publish import Published

TRIES = 40
"""As often a writer tries again whose store was away; our errands never give up, and a test has to."""

READERS, LISTING_CHANCE = 4, 0.1


@dataclass(frozen=True)
class Told:
    """What one writer was told in the end, and how often its store could not say before."""

    key: str
    write_id: str
    published: Published
    unknown: int

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Told:
        fields = json.loads(line)
        return cls(**{**fields, "published": Published(**fields["published"])})


@dataclass
class Race:
    """All that writers were told and readers saw, by key the canonical records."""

    told: list[Told] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)

    def see(self, key: str, body: dict[str, object]) -> None:
        self.seen.setdefault(key, set()).add(json.dumps(body, sort_keys=True))


def run(stores: Sequence[ObjectStore], *, seed: int, keys_count: int, writers: int, threads: int = 64) -> Race:
    """`writers` write each key at once, each through one of the stores, a blob of its own before its record."""
    race, chance = Race(), random.Random(seed)
    raced = record_keys(seed, keys_count)
    entries = [(key, writer) for key in raced for writer in range(writers)]
    with watched(race, stores[0], raced, seed), ThreadPoolExecutor(threads) as pool:
        ended = [pool.submit(write, chance.choice(stores), key, f"{seed}-{writer}") for key, writer in entries]
        race.told = [one.result() for one in ended]
    return race


def record_keys(seed: int, count: int) -> list[str]:
    """The keys that a race is about, in the order of keys."""
    return sorted(keys.train(digest_of(f"race {seed} {number}".encode())) for number in range(count))


def body_of(key: str, write_id: str) -> bytes:
    """The blob that a writer's record names; some kilobytes, so that an answer can be cut within it."""
    return f"{key} as {write_id} made it. ".encode() * 80


def require_truth(race: Race, store: ObjectStore, raced: Sequence[str], killed: Collection[str] = ()) -> None:
    """One winner per key that all were told of and all readers saw, whose blob is whole; each key is listed once.

    A record of one of the `killed` write ids may stand without anybody having been told so.
    """
    standing = {key: publish.read(store, key) for key in raced}
    for key, record in standing.items():
        assert record is not None, f"nothing stands under {key}"
        told = [one for one in race.told if one.key == key]
        won = [one.write_id for one in told if one.published.won] or [one for one in killed if one == record["writeId"]]
        assert won == [record["writeId"]], (
            f"{key} holds the record of {record['writeId']}, and {won} were told that they won"
        )
        assert all(one.published.body == record for one in told), f"some were told of another record under {key}"
        assert race.seen.get(key, set()) <= {json.dumps(record, sort_keys=True)}, (
            f"readers saw another record under {key}"
        )
        assert blobs.get(store, record["blob"]) == body_of(key, record["writeId"])
    listed = [key for key in store.list("record/train/") if key in standing]
    assert listed == list(raced)


def write(store: ObjectStore, key: str, write_id: str) -> Told:
    """Publish as a worker does: the same write id again for as long as the store cannot say what became of it."""
    for unknown in range(TRIES):
        try:
            digest = blobs.put(store, body_of(key, write_id))
            published = publish.record(store, key, {"blob": digest}, blobs=[digest], write_id=write_id)
        except StoreUnavailable:
            time.sleep(0.02)
        else:
            return Told(key, write_id, published, unknown)
    raise AssertionError(f"{write_id} was not told in {TRIES} tries what became of {key}")


@contextmanager
def watched(race: Race, store: ObjectStore, raced: Sequence[str], seed: int) -> Iterator[None]:
    """While it lasts, readers look at keys by chance, note every record that they see, and require its blob to be whole."""
    is_over = threading.Event()
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(_keep_looking, race, store, raced, seed + n, is_over) for n in range(READERS)]
        try:
            yield
            _let_see(race, len(raced))
        finally:
            is_over.set()
        for reader in readers:
            reader.result()


def _let_see(race: Race, count: int) -> None:
    """Readers that were held up look on: what stands, stays."""
    given_up = time.monotonic() + 60
    while len(race.seen) <= count / 2 and time.monotonic() < given_up:
        time.sleep(0.01)


def _keep_looking(race: Race, store: ObjectStore, raced: Sequence[str], seed: int, is_over: threading.Event) -> None:
    chance = random.Random(seed)
    while not is_over.wait(0.01):
        with suppress(StoreUnavailable):
            _look(race, store, chance.choice(raced))
        if chance.random() < LISTING_CHANCE:
            with suppress(StoreUnavailable):
                listed = list(store.list("record/train/"))
                assert listed == sorted(set(listed)), "a key was listed twice or out of order"


def _look(race: Race, store: ObjectStore, key: str) -> None:
    record = publish.read(store, key)
    if record is None:
        return
    race.see(key, record)
    assert blobs.get(store, record["blob"]) == body_of(key, record["writeId"]), f"{key} names a blob that is not whole"
