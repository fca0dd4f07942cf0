"""The proofs that the farm's promise rests on: one winner, read after write, whole listings, digests, deletion. Any ObjectStore."""

from __future__ import annotations

import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

from cluster.store_examination import Bench, Outcome, failed, passed
from jobs import keys
from jobs.errors import Corrupt, KeyNotFound
from jobs.identity import digest_of
from jobs.ports import ObjectStore

CONDITIONAL = (
    "Use a store that honours If-None-Match on PUT (MinIO of 2024-08 or later), with no gateway that drops the header."
)
CONSISTENT = "Put no cache between the farm and its store, and let all clients reach the same site of it."
SOUND = "The store loses or changes bytes: look at its disks and its log before anything is kept there."


def one_winner(bench: Bench) -> Outcome:
    """Many clients create the same key at once, several times over."""
    races, racers = bench.extent.races, bench.extent.racers
    for race in range(races):
        key = bench.key(f"race/{race}")
        won = _raced(bench, key, racers)
        if len(won) != 1:
            return failed(f"{len(won)} of {racers} were told that they had won", CONDITIONAL)
        if bench.second.get(key) != _entry(won[0]):
            return failed("what stands is not what the winner wrote", CONDITIONAL)
    return passed(f"one winner each time of {races}, and its bytes stand")


def _raced(bench: Bench, key: str, racers: int) -> list[int]:
    """The numbers of those who were told that they won."""
    ready = threading.Barrier(racers)

    def race(number: int) -> bool:
        ready.wait()
        return (bench.store if number % 2 else bench.second).create(key, _entry(number))

    with ThreadPoolExecutor(racers) as threads:
        return [number for number, won in enumerate(threads.map(race, range(racers))) if won]


def _entry(number: int) -> bytes:
    return f"racer {number}".encode()


def creating_refuses(bench: Bench) -> Outcome:
    """Other bytes are created where something stands, by both clients."""
    for deed in ("created", "put"):
        key = bench.key(f"refuse/{deed}")
        if deed == "put":
            bench.store.put(key, b"first")
        elif not bench.store.create(key, b"first"):
            return failed("a new key could not be created", CONDITIONAL)
        for client in (bench.second, bench.store):
            if client.create(key, b"other"):
                return failed(f"a key that was {deed} was created again", CONDITIONAL)
            if client.get(key) != b"first":
                return failed(f"a key that was {deed} was overwritten unseen", CONDITIONAL)
    return passed("refused, and the first bytes stand")


def read_after_write(bench: Bench) -> Outcome:
    """A second client reads what the first has just written, and written again."""
    for size in (0, 1, 100_000):
        key = bench.key(f"read/{size}")
        for round_ in range(2):
            body = random.randbytes(size)
            bench.store.put(key, body)
            if (read := _read(bench.second, key)) != body:
                found = "nothing" if read is None else f"{len(read)} other bytes"
                return failed(f"write {round_ + 1} of {size:,} bytes was read as {found}", CONSISTENT)
    return passed("the new bytes every time")


def _read(store: ObjectStore, key: str) -> bytes | None:
    try:
        return store.get(key)
    except KeyNotFound:
        return None


def listing(bench: Bench) -> Outcome:
    """A second client lists what the first has just written, whole and in order."""
    return _listing(bench, 8)


def long_listing(bench: Bench) -> Outcome:
    """A listing of more than a page is whole and in order."""
    return _listing(bench, bench.extent.listed)


def _listing(bench: Bench, count: int) -> Outcome:
    prefix = bench.key(f"list-{count}/")
    written = [f"{prefix}{number // 100:03d}/{number:06d}" for number in range(count)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda key: bench.store.put(key, key.encode()), written))
    if (told := _difference(written, list(bench.second.list(prefix)))) or (
        told := _difference(written, [one.key for one in bench.second.sizes(prefix)])
    ):
        return failed(told, CONSISTENT)
    if any(one.size != len(one.key) for one in bench.second.sizes(prefix)):
        return failed("sizes that are not those of what was written", CONSISTENT)
    bench.store.delete(written[0])
    if written[0] in list(bench.second.list(prefix)):
        return failed("a key that was deleted is still listed", CONSISTENT)
    return passed(f"all {count:,}, in order, without what was deleted")


def _difference(written: list[str], listed: list[str]) -> str:
    missing, odd = set(written) - set(listed), set(listed) - set(written)
    if missing or odd:
        return f"{len(missing):,} of {len(written):,} keys are missing, {len(odd):,} were never written"
    return "" if written == listed else "the keys are not in order, or some come twice"


def digests(bench: Bench) -> Outcome:
    """A blob is written, read and verified, then a byte of it is changed.

    It stands among the blobs, since only their digests are verified; its bytes are random, so it is nobody's.
    """
    body = secrets.token_bytes(4096)
    key = keys.blob(digest_of(body))
    bench.elsewhere.append(key)
    bench.store.put(key, body)
    if bench.second.get(key) != body:
        return failed("other bytes came back, and it was not noticed", SOUND)
    bench.store.put(key, bytes([body[0] ^ 1]) + body[1:])
    try:
        bench.second.get(key)
    except Corrupt:
        return passed("whole at first, and the changed byte was noticed")
    return failed("the changed byte was not noticed", SOUND)


def deleting(bench: Bench) -> Outcome:
    """A key is deleted, and deleted again."""
    key = bench.key("delete")
    bench.store.put(key, b"first")
    bench.store.delete(key)
    bench.store.delete(key)
    if bench.second.exists(key) or _read(bench.second, key) is not None or bench.second.stat(key) is not None:
        return failed("it is still there", CONSISTENT)
    if not bench.second.create(key, b"second") or bench.store.get(key) != b"second":
        return failed("it could not be created again", CONDITIONAL)
    return passed("gone at once, and free to be created again")


def large_object(bench: Bench) -> Outcome:
    """An object of several parts is written, and read by a second client."""
    size = bench.extent.large_bytes
    body = random.randbytes(size)
    key = bench.key("large")
    bench.store.put(key, body)
    found = bench.second.stat(key)
    if found is None or found.size != size:
        return failed(f"{found.size if found else 0:,} bytes stand of {size:,}", SOUND)
    if digest_of(bench.second.get(key)) != digest_of(body):
        return failed("other bytes came back", SOUND)
    return passed("the same bytes")
