"""When a cron comes due: in its zone, through the nights on which the clocks change, and found again from any moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.cron import Cron
from jobs.errors import ManifestInvalid

YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
YEAR = 365 * 86400


def at(text: str) -> float:
    """Seconds since 1970 of a UTC time."""
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def times(cron: str, zone: str, after: str, count: int) -> list[str]:
    moment = at(after)
    found: list[str] = []
    while len(found) < count:
        following = Cron(cron, zone).next(moment)
        assert following is not None
        moment = following
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        pytest.param("Europe/London", "2026-03-28T02:00", ["03-29 01:00", "03-30 00:30"], id="skipped in London"),
        pytest.param("Europe/London", "2026-10-24T12:00", ["10-25 00:30", "10-26 01:30"], id="shown twice in London"),
        pytest.param("America/New_York", "2026-10-31T12:00", ["11-01 05:30", "11-02 06:30"], id="twice in New York"),
        pytest.param("UTC", "2026-10-24T12:00", ["10-25 01:30", "10-26 01:30"], id="where no clock changes"),
    ],
)
def test_half_past_one_comes_once_a_night(zone: str, after: str, expected: list[str]) -> None:
    assert times("30 1 * * *", zone, after, 2) == expected


def test_half_past_two_is_skipped_in_new_york_and_comes_at_three() -> None:
    assert times("30 2 * * *", "America/New_York", "2026-03-07T12:00", 2) == ["03-08 07:00", "03-09 06:30"]


def test_every_half_hour_goes_on_through_the_repeated_hour() -> None:
    found = times("*/30 * * * *", "Europe/London", "2026-10-25T00:15", 4)
    assert found == ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"]


def test_from_within_the_repeated_hour_the_first_of_the_two_does_not_come_again() -> None:
    assert times("30 1 * * *", "Europe/London", "2026-10-25T01:10", 1) == ["10-26 01:30"]


def test_the_newest_time_is_found_however_long_ago_it_was() -> None:
    leap = Cron("0 0 29 2 *", "UTC")
    assert leap.newest(0, at("2027-06-01T00:00")) == at("2024-02-29T00:00")
    assert leap.newest(at("2024-02-29T00:00"), at("2027-06-01T00:00")) is None
    every_minute = Cron("* * * * *", "UTC")
    assert every_minute.newest(0, at("2026-06-01T00:00:30")) == at("2026-06-01T00:00")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["30 1 * * *", "30 2 * * *", "0,30 0-3 * * *", "*/20 * * * *", "15 1 * * sun", "0 2 1 * *"]),
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, YEAR),
    st.integers(0, 40 * 86400),
)
def test_looking_forward_and_looking_back_agree(text: str, zone: str, start: int, span: int) -> None:
    cron, after = Cron(text, zone), YEAR_BEGINS + start
    until, walked, moment = after + min(span, 3 * 86400 if "*/" in text else span), None, cron.next(after)
    while moment is not None and moment <= until:
        walked, moment = moment, cron.next(moment)
    assert cron.newest(after, until) == walked


def test_a_time_of_day_is_the_next_that_the_zones_clock_shows() -> None:
    london = Cron("30 1 * * *", "Europe/London")
    assert london.time_of_day("06:30", at("2026-07-01T00:30")) == at("2026-07-01T05:30")
    assert london.time_of_day("06:30", at("2026-07-01T05:30")) == at("2026-07-02T05:30")
    assert london.time_of_day("06:30", at("2026-12-01T00:30")) == at("2026-12-01T06:30")


def test_a_time_is_told_as_its_zone_shows_it() -> None:
    assert Cron("30 1 * * *", "Europe/London").told(at("2026-07-01T00:30")) == "2026-07-01 01:30 Europe/London"


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("99 1 * * *", "UTC", "No clock shows the times of the cron '99 1 * * *': Bad minute."),
        ("0 0 31 2 *", "UTC", "No clock shows the times of the cron '0 0 31 2 *': Bad day-of-month."),
        ("30 1 * * *", "Europe/Atlantis", "There is no time zone 'Europe/Atlantis'."),
        ("30 1 * * *", "Europe", "There is no time zone 'Europe'."),
    ],
)
def test_what_is_no_time_is_refused_with_the_next_step(text: str, zone: str, said: str) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        Cron(text, zone)
    assert refused.value.message == said
    assert refused.value.hint.startswith("Write ")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("0123456789*,/-#LWMON", min_size=1, max_size=4), min_size=5, max_size=5))
def test_whatever_has_the_shape_of_a_cron_is_understood_or_refused(fields: list[str]) -> None:
    with suppress(ManifestInvalid):
        due = Cron(" ".join(fields), "UTC").next(YEAR_BEGINS)
        assert due is None or due > YEAR_BEGINS
