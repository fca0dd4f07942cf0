"""Moments as people write them and as manifests keep them, to seconds since 1970. Reads no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import click

UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(timestamp: str) -> float:
    """Seconds since 1970 of a time such as 2026-11-21T01:30:00Z."""
    return datetime.fromisoformat(timestamp).timestamp()


def since(text: str, now: float) -> float:
    """The moment that `18:00` (the last time this machine's clock showed it), `24h`, `3d` or a date means. Raises UsageError."""
    span = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text)
    if span is not None:
        return now - float(span[1]) * UNITS[span[2]]
    if re.fullmatch(r"\d{1,2}:\d\d", text):
        return _last_time_of_day(text, now)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as odd:
        raise click.UsageError(f"--since {text!r} is no moment. Write 18:00, 24h, 3d or 2026-11-21.") from odd
    return found.timestamp()


def _last_time_of_day(text: str, now: float) -> float:
    here = datetime.fromtimestamp(now, UTC).astimezone()
    try:
        wanted = time.fromisoformat(text.zfill(5))
    except ValueError as odd:
        raise click.UsageError(f"--since {text!r}: no clock shows that.") from odd
    moment = datetime.combine(here.date(), wanted)  # this machine's clock, whatever it was set to that day
    if moment.timestamp() > now:
        moment -= timedelta(days=1)
    return moment.timestamp()
