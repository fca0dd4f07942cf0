"""What a person reads of a schedule: when its nights come, which are at work, and what became of the last one."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import documents, scheduling
from cli.views import detail, status
from jobs import manifests
from jobs.manifests import Campaign, seconds_of_moment
from tests import builders

NOW = seconds_of_moment("2026-11-21T12:00:00Z")


def nightly(said: dict[str, Any] | None = None, **schedule: Any) -> Campaign:
    spec = {"cron": "30 1 * * *", "timeZone": "Europe/London", "window": "5h", **schedule}
    document = builders.kept(builders.campaign(schedule=spec)) | ({"status": said} if said else {})
    parsed = manifests.parse(document)
    assert isinstance(parsed, Campaign)
    return parsed


def printed(shown: Any) -> str:
    written = StringIO()
    Console(width=160, file=written).print(shown)
    return written.getvalue()


@pytest.mark.parametrize(
    ("schedule", "work", "warning"),
    [
        (
            {},
            "begins 2026-11-22 01:30 Europe/London, then 2026-11-23 01:30 Europe/London; each night may draw for 5h",
            "",
        ),
        ({"suspend": True}, "begins no night while spec.schedule.suspend is set", ""),
        ({"cron": "99 1 * * *"}, "", "Bad minute"),
    ],
)
def test_a_plan_says_when_the_next_nights_come(schedule: dict[str, Any], work: str, warning: str) -> None:
    told, warnings = scheduling.told(nightly(**schedule), NOW)
    assert told == ((work,) if work else ())
    assert warning in " ".join(warnings)
    assert bool(warnings) is bool(warning)


def test_a_campaign_that_is_made_once_has_no_nights() -> None:
    once = manifests.parse(builders.kept(builders.campaign()))
    assert isinstance(once, Campaign)
    assert scheduling.told(once, NOW) == ((), ())


def test_a_schedule_shows_its_last_night_and_those_at_work() -> None:
    last = {"name": "spring-20261120t0130", "time": "2026-11-20T01:30:00Z", "phase": "Ended", "reason": "WindowEnded"}
    said = {"phase": "Running", "active": ["spring-20261121t0130"], "lastNight": {**last, "progress": "12/20"}}
    shown = printed(detail.campaign_view(nightly(said), 160))
    assert "Made anew on 30 1 * * * Europe/London, for 5h; last night spring-20261120t0130: Ended 12/20" in shown
    assert "At work: spring-20261121t0130" in shown


def test_a_schedule_has_no_shots_of_its_own() -> None:
    assert status.campaign_progress(nightly({"phase": "Scheduled"})) == "-"
    shown = printed(status.campaigns_table([nightly({"phase": "Scheduled"})], 160))
    assert "spring" in shown
    assert "0/20" not in shown


def test_the_nightly_example_is_sound_and_its_nights_can_be_told() -> None:
    (read,) = documents.read_manifests([str(Path(__file__).parents[2] / "examples" / "socks-nightly.yaml")])
    assert isinstance(read.model, Campaign)
    told, warnings = scheduling.told(read.model, NOW)
    assert warnings == ()
    assert "begins 2026-11-22 01:30 Europe/London" in told[0]
