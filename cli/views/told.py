"""A line of an attempt's log for people: time, event, fields. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from rich.text import Text

from cli.telling import Line


def line(one: Line, with_job: bool = False) -> Text:
    """`11:02:07 step done=120 loss=0.1203`, with the job's first digits where several are told together."""
    facts = {key: value for key, value in one.body.items() if key not in ("at", "event")}
    text = Text(f"{_time(one.body.get('at'))} ", "dim")
    if with_job:
        text.append(f"{one.asked[:8]} ", "dim")
    if one.attempt > 1:
        text.append(f"attempt {one.attempt} ", "yellow")
    text.append(str(one.body.get("event", "")), "bold")
    return text.append("".join(f" {key}={_value(value)}" for key, value in facts.items()))


def raw(one: Line) -> str:
    """The same as one line of JSON, with what it belongs to."""
    return json.dumps({"job": one.asked, "attempt": one.attempt, **one.body}, ensure_ascii=False)


def _time(at: object) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S") if isinstance(at, int | float) else "--:--:--"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
