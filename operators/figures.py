"""The controller's figures for Prometheus. Counts what the loops and rounds tell it, and decides nothing.

No label names a manifest: kinds, results and phases are few and fixed.
"""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from jobs.errors import DispatcherUnavailable, FarmError, StoreUnavailable
from operators.places import Place

PREFIX = "brandfarm_controller_"
ROUND_BUCKETS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60)
KINDS = ("BrandProject", "Campaign")
AWAY = ("dispatcher", "store")


class Result(StrEnum):
    """How a round ended: well, put off because something was in the way, or broken by a mistake of ours."""

    OK = "ok"
    PUT_OFF = "put_off"
    BROKEN = "broken"


class ControllerFigures:
    """Counts as the controller goes. `monotonic`: steady seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._registry = CollectorRegistry()
        self._started = monotonic()
        self._last_good: float | None = None
        self._away: dict[str, float] = {}  # by who is away: since when
        self._phases: dict[Place, str] = {}
        self._define()
        for whom in AWAY:
            self._away_seconds.labels(whom)
        for kind in KINDS:
            self._seconds.labels(kind)
            self._writes.labels(kind)
            for result in Result:
                self._rounds.labels(kind, result.value)

    @property
    def registry(self) -> CollectorRegistry:
        return self._registry

    # What happens.

    @contextmanager
    def round(self, kind: str) -> Iterator[None]:
        """One round over a manifest of a kind; how it ends is counted, and goes on its way."""
        began = self._monotonic()
        try:
            yield
        except FarmError as error:
            self._rounds.labels(kind, Result.PUT_OFF.value).inc()
            if isinstance(error, StoreUnavailable):
                self._away.setdefault("store", began)
            elif not isinstance(error, DispatcherUnavailable):
                self._away.pop("store", None)
            raise
        except Exception:
            self._rounds.labels(kind, Result.BROKEN.value).inc()
            raise
        else:
            self._rounds.labels(kind, Result.OK.value).inc()
            self._last_good = self._monotonic()
            self._away.pop("store", None)
        finally:
            self._seconds.labels(kind).observe(max(0.0, self._monotonic() - began))

    def relisted(self) -> None:
        """Every manifest was woken."""
        self._relists.inc()

    def dispatcher_answered(self, answered: bool) -> None:
        """The dispatcher answered a question, or did not."""
        if answered:
            self._away.pop("dispatcher", None)
        else:
            self._away.setdefault("dispatcher", self._monotonic())

    def said(self, place: Place, phase: str) -> None:
        """A status was handed to the manifests, and stands."""
        self._writes.labels(place.kind).inc()
        self._phases[place] = phase

    def stands(self, place: Place, phase: str) -> None:
        """A manifest's status says already what is to be said."""
        self._phases[place] = phase

    def overtaken(self) -> None:
        """Between reading a manifest and writing its status, somebody changed or deleted it."""
        self._conflicts.inc()

    def held(self, count: int) -> None:
        """So many manifests are gone whose work is not withdrawn yet."""
        self._held.set(count)

    def forgotten(self, place: Place) -> None:
        """A manifest is no more."""
        self._phases.pop(place, None)

    # What is told.

    def text(self, queued: int) -> bytes:
        """All figures in Prometheus' text format; `queued` keys wait in the work queue."""
        now = self._monotonic()
        self._depth.set(queued)
        self._since.set(now - (self._started if self._last_good is None else self._last_good))
        for whom in AWAY:
            self._away_seconds.labels(whom).set(now - self._away.get(whom, now))
        self._manifests.clear()
        for (kind, phase), count in Count((place.kind, phase) for place, phase in self._phases.items()).items():
            self._manifests.labels(kind, phase).set(count)
        return generate_latest(self._registry)

    # Which there are.

    def _define(self) -> None:
        kept = self._registry
        self._rounds = Counter(f"{PREFIX}rounds_total", "Rounds over manifests.", ["kind", "result"], registry=kept)
        self._seconds = Histogram(
            f"{PREFIX}round_seconds", "How long a round took.", ["kind"], buckets=ROUND_BUCKETS, registry=kept
        )
        self._writes = Counter(f"{PREFIX}status_writes_total", "Statuses handed over.", ["kind"], registry=kept)
        self._conflicts = Counter(
            f"{PREFIX}conflicts_total", "Statuses overtaken by an edit or a deletion.", registry=kept
        )
        self._relists = Counter(f"{PREFIX}relists_total", "Times that every manifest was woken.", registry=kept)
        self._held = Gauge(f"{PREFIX}withdrawals_held", "Gone at once with most others: not withdrawn.", registry=kept)
        self._depth = Gauge(f"{PREFIX}queue_depth", "Manifests that wait for a round.", registry=kept)
        self._since = Gauge(f"{PREFIX}since_good_round_seconds", "Seconds since a round went well.", registry=kept)
        self._away_seconds = Gauge(f"{PREFIX}away_seconds", "How long it has been away.", ["whom"], registry=kept)
        self._manifests = Gauge(f"{PREFIX}manifests", "Manifests by their phase.", ["kind", "phase"], registry=kept)
