"""What a sweep of a store would drop, and the dropping: nothing that a record, a manifest or a live checkpoint names.

A key goes only when it was seen to be nobody's in two sweeps that lie a grace period apart, and is older than that.
The time is the store's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

from cluster import store_census, store_owners
from cluster.store_census import Census, Document
from cluster.store_owners import Holdings, ReadPlan
from jobs import keys
from jobs.ports import ObjectStore, Stored
from jobs.references import Kind

DAY = 24 * 3600.0
BATCH = 500
"""Keys that are dropped before it is looked again whether something new names one of the next."""
DROPPERS = 8

OWNED = (
    "image/",
    "checkpoint/",
    *(f"record/{kind}/" for kind in ("chunk", "failure", "retry", "train", "intake", "dataset")),
    *(f"record/{kind}/" for kind in ("version", "campaign", "rerun")),
)
"""What goes with its owner, a brand or a campaign."""


class Why(StrEnum):
    """Why a key may go."""

    UNNAMED = "named by nothing"
    DELETED = "named by deleted manifests only"
    SUPERSEDED = "checkpoint of a finished training"
    CACHE = "old cache"
    LOG = "old log of an attempt"
    LEFT = "left by a check of the store"


@dataclass(frozen=True)
class Ages:
    """In seconds: how long a key must have been nobody's, how old caches and logs must be."""

    grace: float = 7 * DAY
    caches: float = 30 * DAY
    logs: float = 30 * DAY
    left: float = DAY


@dataclass(frozen=True)
class Condemned:
    """A key that may go, with the reason."""

    key: str
    size: int
    modified: float
    why: Why


@dataclass(frozen=True)
class Verdict:
    """What goes now, in the order of going; what waits until it was seen twice and is old enough; what was seen when."""

    ready: tuple[Condemned, ...]
    waiting: tuple[Condemned, ...]
    seen: dict[str, float] = field(default_factory=dict)


def judge(census: Census, read_plan: ReadPlan, seen: dict[str, float], now: float, ages: Ages) -> Verdict:
    """What of a store is nobody's; `seen` says since when by earlier sweeps, `now` is the store's time."""
    holdings = Holdings(census, read_plan)
    nobodys = _nobodys(census, holdings)
    since = {one.key: _since(one, seen.get(one.key), now) for one in nobodys}
    ripe = {one.key for one in nobodys if _is_ripe(one, seen.get(one.key), now, ages.grace)}
    ripe -= _held_back(census, holdings, nobodys, ripe)
    aged = list(_aged(census, now, ages))
    return Verdict(
        ready=tuple(sorted([one for one in nobodys if one.key in ripe] + aged, key=_order)),
        waiting=tuple(sorted((one for one in nobodys if one.key not in ripe), key=_order)),
        seen=since,
    )


def _nobodys(census: Census, holdings: Holdings) -> list[Condemned]:
    superseded = _superseded(census)
    everyone = store_owners.owners(census)
    gone = {key for key in _of(holdings, (owner for owner in everyone if owner.is_deleted)) if _can_be_owned(key)}
    living = _of(holdings, (owner for owner in everyone if not owner.is_deleted), superseded) if gone else set()
    roots = (key for key in census.names if key not in gone and key not in superseded and not _is_blob(key))
    alive = living | holdings.named(roots, superseded)
    states = {one.key for key in superseded for one in census.names.get(key, ()) if one.kind is Kind.STATE}
    found = []
    for key, one in census.objects.items():
        if key in alive or not (_is_blob(key) or key in gone or key in superseded):
            continue
        late = key in superseded or (key in states and key not in gone)
        why = Why.SUPERSEDED if late else Why.DELETED if key in gone else Why.UNNAMED
        found.append(Condemned(key, one.size, one.modified, why))
    return found


def _can_be_owned(key: str) -> bool:
    """Whether a key may go with its owner: a base model is everyone's, logs go by age, the word that it was deleted stays."""
    return _is_blob(key) or key.startswith(OWNED)


def _of(holdings: Holdings, owners: Iterable[store_owners.Owner], without: frozenset[str] = frozenset()) -> set[str]:
    return holdings.owned(itertools.chain.from_iterable(owner.roots for owner in owners), without)


def _superseded(census: Census) -> frozenset[str]:
    """The pointers to checkpoints of trainings whose record stands."""
    return frozenset(
        key
        for key in census.objects
        if key.startswith("checkpoint/") and keys.train(key.split("/")[1]) in census.objects
    )


def _is_blob(key: str) -> bool:
    return key.startswith(keys.CAS)


def _since(one: Condemned, seen: float | None, now: float) -> float:
    """Since when it was seen to be nobody's; one that was written again since is seen for the first time."""
    return now if seen is None or one.modified > seen else seen


def _is_ripe(one: Condemned, seen: float | None, now: float, grace: float) -> bool:
    return seen is not None and one.modified <= seen <= now - grace and one.modified <= now - grace


def _held_back(census: Census, holdings: Holdings, nobodys: Sequence[Condemned], ripe: set[str]) -> set[str]:
    """What must wait though it is ripe: what a record that still waits names, and owners whose belongings still wait."""
    waiting = [one.key for one in nobodys if one.key not in ripe and not _is_blob(one.key)]
    held = holdings.named(waiting)
    if any(one.why is Why.DELETED for one in nobodys if one.key not in ripe and not _is_blob(one.key)):
        held |= {key for key in ripe if _is_owners(key)}
    return held


def _is_owners(key: str) -> bool:
    return key.startswith(("record/version/", "record/campaign/", "record/rerun/"))


def _aged(census: Census, now: float, ages: Ages) -> Iterator[Condemned]:
    newest: dict[str, float] = {}
    for key, one in census.objects.items():
        if key.startswith("attempt/"):
            newest[_attempt(key)] = max(one.modified, newest.get(_attempt(key), 0.0))
    for key, one in census.objects.items():
        if key.startswith("cache/") and one.modified <= now - ages.caches:
            yield Condemned(key, one.size, one.modified, Why.CACHE)
        elif key.startswith("attempt/") and newest[_attempt(key)] <= now - ages.logs:
            yield Condemned(key, one.size, one.modified, Why.LOG)
        elif key.startswith("doctor/") and one.modified <= now - ages.left:
            yield Condemned(key, one.size, one.modified, Why.LEFT)


def _attempt(key: str) -> str:
    """An attempt as one: `attempt/<asked>/<n>`."""
    return "/".join(key.split("/")[:3])


_RANKS = ("image/", "record/chunk/", "record/failure/", "record/retry/", "checkpoint/", "attempt/", "record/train/")
_LAST_RANKS = ("record/intake/", "record/dataset/")


def _order(one: Condemned) -> tuple[int, str]:
    """What names goes before what is named, and what says whose it is last of the records: a broken-off sweep can go on."""
    if _is_blob(one.key):
        return 99, one.key
    if _is_owners(one.key):
        return 98, one.key
    ranks = _RANKS + _LAST_RANKS
    return next((rank for rank, prefix in enumerate(ranks) if one.key.startswith(prefix)), len(ranks)), one.key


@dataclass(frozen=True)
class Dropped:
    """One key's end: dropped, or spared because something was written or names it since."""

    one: Condemned
    is_gone: bool


def drop(
    store: ObjectStore, census: Census, ready: Sequence[Condemned], documents: Callable[[], Sequence[Document]]
) -> Iterator[Dropped]:
    """Drops what is ready, in order; looks again before every batch. May be stopped after any of them. Raises StoreError."""
    read_plan = store_owners.plans_of(store)
    with ThreadPoolExecutor(DROPPERS) as droppers:
        for start in range(0, len(ready), BATCH):
            census, fresh = store_census.renewed(store, census, documents())
            named = Holdings(census, read_plan).owned(fresh)
            batch = ready[start : start + BATCH]
            for rank, group in itertools.groupby(batch, key=lambda one: _order(one)[0]):
                del rank  # one rank is gone before the next begins
                chosen = [(one, one.key not in named) for one in group]
                yield from droppers.map(lambda pair: Dropped(pair[0], pair[1] and _drop(store, pair[0])), chosen)


def _drop(store: ObjectStore, one: Condemned) -> bool:
    """Drops a key unless it was written again since it was seen."""
    found: Stored | None = store.stat(one.key)
    if found is not None and found.modified > one.modified:
        return False
    store.delete(one.key)
    return True
