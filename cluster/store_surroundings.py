"""Checks of what is around the objects: clocks, settings that act by themselves, space, who may see what, how fast it answers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from statistics import median

from cluster.store_examination import Bench, Outcome, failed, not_proven, passed
from cluster.store_settings import Closable, LendsScopes, TellsSettings, TellsSpace
from jobs import keys
from jobs.errors import KeyNotFound, StoreError, StoreUnavailable

LARGEST_SKEW_SECONDS = 300.0
"""S3 refuses signatures from 900 s on; ages of objects, by which a sweep drops, should be far better than that."""

LEAST_FREE_BYTES = 2**30
SLOWEST_SECONDS = 2.0
MAY_EXPIRE = ("cache/", "attempt/", "doctor/", "sweep/")
"""Where a rule that lets objects expire does no harm."""


def clocks(bench: Bench) -> Outcome:
    """The store's clock is compared with ours."""
    key = bench.key("clock")
    before = bench.clock.now()
    bench.store.put(key, b"now")
    after = bench.clock.now()
    found = bench.store.stat(key)
    if found is None:
        return failed("the new object is not there", "See what `read after write` found.")
    if not found.modified:
        return not_proven("the store tells no time", "Compare the clocks by hand.")
    skew = max(before - 1 - found.modified, found.modified - after, 0.0)  # whole seconds are rounded down
    told = f"they differ by {skew:.0f} s" if skew >= 1 else "they agree to the second"
    if skew > LARGEST_SKEW_SECONDS:
        return failed(told, "Set both clocks right, by NTP.")
    return passed(told)


def expiry(bench: Bench) -> Outcome:
    """The bucket is asked for rules that let objects expire."""
    if not isinstance(bench.store, TellsSettings):
        return passed("a folder has none")
    try:
        found = bench.store.settings()
    except StoreUnavailable:
        raise
    except StoreError as refused:
        return not_proven(refused.message, "Let these credentials read the bucket's settings.")
    harmful = [prefix for prefix in found.expires if not prefix.startswith(MAY_EXPIRE)]
    if harmful:
        told = " and ".join(f"below {prefix!r}" if prefix else "in the whole bucket" for prefix in harmful)
        return failed(f"objects expire {told}", "Remove that lifecycle rule: what the farm has made would go.")
    return passed("nothing that is kept expires")


def versions(bench: Bench) -> Outcome:
    """The bucket is asked whether it keeps what is deleted."""
    if not isinstance(bench.store, TellsSettings):
        return passed("a folder keeps nothing that is deleted")
    try:
        found = bench.store.settings()
    except StoreUnavailable:
        raise
    except StoreError as refused:
        return not_proven(refused.message, "Let these credentials read the bucket's settings.")
    if found.is_locked:
        return failed("an object lock forbids deleting", "Use a bucket without a default retention.")
    if found.keeps_versions:
        next_step = "Suspend versioning, or let old versions expire by a rule: what a brand deletes stays until then."
        return failed("deleted objects are kept as old versions", next_step)
    return passed("what is deleted is gone")


def space(bench: Bench) -> Outcome:
    """The store is asked how much more it holds."""
    if not isinstance(bench.store, TellsSpace):
        return not_proven("S3 does not tell", "Look at the server's own metrics.")
    free = bench.store.free_bytes()
    told = f"{free / 2**30:,.1f} GiB are free"
    if free < LEAST_FREE_BYTES:
        return failed(told, "Free space, or `brandfarm store sweep`.")
    return passed(told)


def foreign_prefix(bench: Bench) -> Outcome:
    """One who may touch a prefix only tries another's."""
    if not isinstance(bench.store, LendsScopes):
        return not_proven("a folder has no users", "Whoever may read the folder may read all of it.")
    foreign = bench.key("foreign/secret")
    bench.store.put(foreign, b"not yours")
    try:
        lent = bench.store.scoped(bench.key("own/"))
    except StoreUnavailable:
        raise
    except StoreError as refused:
        return not_proven(f"no scoped user could be had: {refused.message}", refused.hint)
    with closing(lent):
        return _denied(bench, lent, foreign)


def _denied(bench: Bench, lent: Closable, foreign: str) -> Outcome:
    next_step = "The server does not keep policies: give studios that distrust each other a bucket or a server each."
    own = bench.key("own/mine")
    lent.put(own, b"mine")
    if lent.get(own) != b"mine" or list(lent.list(bench.key("own/"))) != [own]:
        return not_proven("the scoped user could not use its own prefix", "Look at the server's policies.")
    deeds: dict[str, Callable[[], object]] = {
        "read": lambda: lent.get(foreign),
        "overwritten": lambda: lent.put(foreign, b"mine now"),
        "created": lambda: lent.create(bench.key("foreign/new"), b"mine"),
        "listed": lambda: list(lent.list(bench.key("foreign/"))),
        "deleted": lambda: lent.delete(foreign),
        "read among the blobs": lambda: lent.get(keys.blob("0" * 64)),
    }
    allowed = [deed for deed, attempt in deeds.items() if not _is_refused(attempt)]
    if allowed:
        return failed(f"what is another's can be {', '.join(allowed)}", next_step)
    return passed(f"{len(deeds)} of {len(deeds)} ways refused, and its own prefix works")


def _is_refused(attempt: Callable[[], object]) -> bool:
    """Whether the store said no; that nothing stands there is an answer too, and should not have been given."""
    try:
        attempt()
    except (KeyNotFound, StoreUnavailable):
        return False
    except StoreError:
        return True
    return False


def latency(bench: Bench) -> Outcome:
    """The usual small requests are timed."""
    rounds = bench.extent.rounds
    deeds: dict[str, Callable[[int], object]] = {
        "write": lambda number: bench.store.put(bench.key(f"time/{number}"), b"x" * 1024),
        "create": lambda number: bench.store.create(bench.key(f"time/c{number}"), b"x" * 1024),
        "read": lambda number: bench.store.get(bench.key(f"time/{number}")),
        "look": lambda number: bench.store.exists(bench.key(f"time/{number}")),
        "list": lambda number: list(bench.store.list(bench.key(f"time/{number}"))),
    }
    took = {deed: [_timed(bench, attempt, number) for number in range(rounds)] for deed, attempt in deeds.items()}
    told = ", ".join(
        f"{deed} {median(times) * 1000:.1f} ms (worst {max(times) * 1000:.1f})" for deed, times in took.items()
    )
    if any(median(times) > SLOWEST_SECONDS for times in took.values()):
        return failed(told, "The farm would wait for its store: look at its disks and the network to it.")
    return passed(told)


def _timed(bench: Bench, attempt: Callable[[int], object], number: int) -> float:
    begun = bench.clock.monotonic()
    attempt(number)
    return bench.clock.monotonic() - begun
