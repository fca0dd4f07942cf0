"""Proofs that a live store keeps what the farm is built on: each check tries, says what it found, and what to do next.

Quick, a second, before a farm starts; whole, by hand. Everything is written below a throw-away prefix and taken away again.
There is no check of range reads: nothing in the farm reads a part of an object.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from cluster import store_proofs, store_surroundings
from cluster.store_examination import QUICK, WHOLE, Bench, Check, Finding, Outcome, Verdict
from jobs.errors import StoreError, StoreUnavailable, StoreUnsound
from jobs.ports import Clock, ObjectStore

PREFIX = "doctor/"

Tell = Callable[[int, int], None]

QUICK_CHECKS = (
    Check("one winner", "32 clients create the same key at once", store_proofs.one_winner),
    Check("creating refuses", "create other bytes where a key stands, by two clients", store_proofs.creating_refuses),
    Check("read after write", "read by another client what was just written", store_proofs.read_after_write),
    Check("listing", "list by another client what was just written and deleted", store_proofs.listing),
    Check("digests", "read a blob, change a byte of it and read again", store_proofs.digests),
    Check("deleting", "delete a key, look for it, create it again", store_proofs.deleting),
    Check("clocks", "compare the time that the store gives a new object with ours", store_surroundings.clocks),
    Check("expiry", "ask for rules that let objects expire", store_surroundings.expiry),
    Check("free space", "ask how much more the store holds", store_surroundings.space),
)
WHOLE_CHECKS = (
    *QUICK_CHECKS,
    Check("long listing", "list by another client more keys than a page holds", store_proofs.long_listing),
    Check("large object", "write an object of several parts and read it back", store_proofs.large_object),
    Check("foreign prefix", "use a prefix with credentials for another", store_surroundings.foreign_prefix),
    Check("deletions", "ask whether the bucket keeps what is deleted", store_surroundings.versions),
    Check("latency", "time small requests", store_surroundings.latency),
)


def examine(
    store: ObjectStore, second: ObjectStore, clock: Clock, *, whole: bool, tell: Tell = lambda _done, _total: None
) -> list[Finding]:
    """Every check's finding, in order. `second` is another client of the same store; nothing is raised for a bad store."""
    prefix = f"{PREFIX}{secrets.token_hex(8)}/"
    bench = Bench(store, second, prefix, clock, WHOLE if whole else QUICK)
    checks = WHOLE_CHECKS if whole else QUICK_CHECKS
    try:
        return list(_findings(bench, checks, tell))
    finally:
        _clean_up(store, bench)


def require_sound(findings: Sequence[Finding]) -> None:
    """Raises StoreUnsound, naming what failed."""
    failed = [one for one in findings if one.verdict is Verdict.FAILED]
    if failed:
        told = "; ".join(f"{one.name}: {one.found}" for one in failed)
        raise StoreUnsound(
            f"The store does not keep what the farm is built on ({len(failed)} of {len(findings)} checks failed). {told}",
            hint=f"{failed[0].next_step} `brandfarm store doctor` checks the whole store.",
        )


def _findings(bench: Bench, checks: Sequence[Check], tell: Tell) -> Iterator[Finding]:
    is_away = False
    for done, check in enumerate(checks):
        tell(done, len(checks))
        begun = bench.clock.monotonic()
        outcome = AWAY if is_away else _outcome(bench, check)
        is_away = is_away or outcome.is_away
        took = bench.clock.monotonic() - begun
        yield Finding(check.name, check.attempted, outcome.found, outcome.verdict, outcome.next_step, took)
    tell(len(checks), len(checks))


AWAY = Outcome("the store was away by then", Verdict.NOT_PROVEN, "Bring it back.")


def _outcome(bench: Bench, check: Check) -> Outcome:
    """What a check came to; a store that refuses or is away has failed it."""
    try:
        return check.prove(bench)
    except StoreError as refused:
        return Outcome(refused.message, Verdict.FAILED, refused.hint, isinstance(refused, StoreUnavailable))


def _clean_up(store: ObjectStore, bench: Bench) -> None:
    """Takes away what the checks wrote; what a broken store will not let go of, a sweep drops a day later."""
    with suppress(StoreError), ThreadPoolExecutor(8) as droppers:
        list(droppers.map(store.delete, [*bench.elsewhere, *store.list(bench.prefix)]))


__all__ = ["Finding", "Verdict", "examine", "require_sound"]
