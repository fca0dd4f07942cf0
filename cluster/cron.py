"""When a cron comes due in its time zone, as seconds since 1970. Pure; knows no manifest and no clock.

A time that the clocks skip comes at the next one there is; a time that they show twice comes once, the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from jobs.errors import ManifestInvalid

HOUR = 3600.0
DAY = 24 * HOUR
LOOKED_BACK = (HOUR, 2 * DAY, 32 * DAY, 367 * DAY, 9 * 366 * DAY)
"""How far back the newest time is looked for, farther and farther: 29 February may be eight years away."""


class Cron:
    """A cron in a zone. Raises ManifestInvalid where either is not understood."""

    def __init__(self, text: str, zone: str) -> None:
        self._text, self._zone = text, _zone(zone)
        try:
            CronSim(text, datetime(2026, 1, 1, tzinfo=self._zone))
        except (CronSimError, AssertionError, TypeError, ValueError) as odd:
            raise ManifestInvalid(
                f"No clock shows the times of the cron {text!r}: {odd or 'it cannot be understood'}.",
                hint='Write minute, hour, day, month and weekday, such as "30 1 * * *".',
            ) from odd

    def next(self, after: float) -> float | None:
        """The first time after a moment; None where there is none for fifty years."""
        return next(self._times(after), None)

    def newest(self, after: float, until: float) -> float | None:
        """The last time after one moment and not after another; None where there is none."""
        for span in LOOKED_BACK:
            start = max(after, until - span)
            found = self._last(start, until)
            if found is not None or start == after:
                return found
        return None

    def time_of_day(self, shown: str, after: float) -> float:
        """The first moment after another at which the zone's clock shows `hh:mm`."""
        day = datetime.fromtimestamp(after, self._zone).date()
        while True:
            found = datetime.combine(day, time.fromisoformat(shown), self._zone).timestamp()
            if found > after:
                return found
            day += timedelta(days=1)

    def told(self, moment: float) -> str:
        """A moment as the zone's clock shows it: `2026-11-22 01:30 Europe/London`."""
        return datetime.fromtimestamp(moment, self._zone).strftime(f"%Y-%m-%d %H:%M {self._zone.key}")

    def _last(self, after: float, until: float) -> float | None:
        found = None
        for moment in self._times(after):
            if moment > until:
                break
            found = moment
        return found

    def _times(self, after: float) -> Iterator[float]:
        """All times after a moment, in order. A start within a repeated hour may give the first of the two again."""
        start = datetime.fromtimestamp(after, UTC).astimezone(self._zone)
        for one in CronSim(self._text, start):
            moment = one.timestamp()
            if moment > after:
                yield moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as odd:
        raise ManifestInvalid(
            f"There is no time zone {name!r}.", hint="Write one of the tz database, such as Europe/London."
        ) from odd
