"""What earlier sweeps have seen to be nobody's, and since when: kept in the store under `sweep/`, and the store's own time.

A set of marks counts once its last object stands; older sets go then.
"""

from __future__ import annotations

import itertools
import json

from jobs.identity import canonical
from jobs.ports import ObjectStore

PREFIX = "sweep/"
CLOCK = f"{PREFIX}now"
WHOLE = "whole"
PART = 2_000
"""Keys in one object of marks."""


def store_time(store: ObjectStore) -> float:
    """Seconds since 1970 by the store's own clock: when it took what we have just written."""
    store.put(CLOCK, b"")
    return next(found.modified for found in store.sizes(CLOCK) if found.key == CLOCK)


def read(store: ObjectStore) -> dict[str, float]:
    """Since when each key was seen to be nobody's, by the newest whole set; empty where nobody has swept."""
    there = list(store.list(PREFIX))
    whole = [key.split("/")[1] for key in there if key.endswith(f"/{WHOLE}")]
    if not whole:
        return {}
    parts = [key for key in there if key.startswith(f"{PREFIX}{max(whole)}/") and not key.endswith(WHOLE)]
    found: dict[str, float] = {}
    for key in parts:
        found.update(json.loads(store.get(key)))
    return found


def write(store: ObjectStore, seen: dict[str, float], now: float) -> None:
    """Keeps a new set, then drops the older ones. Of two sweeps at once the later set counts: each holds what both saw before."""
    older = [key for key in store.list(PREFIX) if key != CLOCK]
    name = f"{PREFIX}{int(now * 1000):015d}"
    pairs = iter(sorted(seen.items()))
    for number in itertools.count():
        part = dict(itertools.islice(pairs, PART))
        if not part:
            break
        store.put(f"{name}/{number:06d}", canonical(part))
    store.put(f"{name}/{WHOLE}", b"")
    for key in older:
        if not key.startswith(f"{name}/"):
            store.delete(key)
