"""The digest of a source's listing, asked at most every few seconds: rounds are frequent, and listings may be long."""

from __future__ import annotations

from cluster import sources, uploads
from jobs import plan
from jobs.ports import Clock, ObjectStore

FRESH_SECONDS = 20.0


class Listings:
    """Listing digests by address. An upload's listing is its address and never changes."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, tuple[str, float]] = {}  # digest, and until when it is fresh (monotonic seconds)

    def digest(self, address: str) -> str:
        """The digest of what lies at an address. Raises SourceUnreadable."""
        known = self._known.get(address)
        if known is not None and self._clock.monotonic() < known[1]:
            return known[0]
        found = plan.listing_digest(sources.open_source(self._store, address).list())
        lasts = float("inf") if address.startswith(uploads.UPLOAD) else self._clock.monotonic() + FRESH_SECONDS
        self._known[address] = (found, lasts)
        return found
