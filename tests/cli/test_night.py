"""Nine in the morning: what was done, what failed, what it cost, what needs a person."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import pytest

from cli import moments
from cluster.documents import timestamp
from cluster.folder_store import FolderStore
from tests.builders import NOON
from tests.cli import made, studio
from tests.cli.terminal import Terminal
from tests.fakes.away import AwayStore
from tests.fakes.farm import FakeFarm


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    """v1 was trained this morning at the second attempt; the campaign ended with three failed shots of twenty."""
    filled = FakeFarm(AwayStore(FolderStore(tmp_path / "store")))
    studio.fill(filled)
    first = made.version(filled.store, 1, dataset=made.dataset(filled.store, "a one"))
    made.failure(filled.store, first.asked, 1)
    versions = [studio.version("v1", "approved", 1) | {"trained": timestamp(NOON - 3000)}]
    filled.set_status("BrandProject", "default", "stable-socks", studio.ready("v1") | {"versions": versions})
    made.campaign(filled, failed=3)
    complete = studio.condition("Complete", True, "ShotsFailed") | {"lastTransitionTime": timestamp(NOON - 1700)}
    shots = {"planned": 20, "made": 17, "reused": 0, "failed": 3}
    status = {"phase": "Complete", "progress": "17/20", "shots": shots, "conditions": [complete]}
    filled.set_status("Campaign", "default", "spring", status)
    return filled


def night(farm: FakeFarm, *words: str) -> dict:  # type: ignore[type-arg]
    return json.loads(Terminal(farm).type("status", "-o", "json", *words).out)["night"]  # type: ignore[no-any-return]


def test_what_it_cost_adds_up_from_records(farm: FakeFarm) -> None:
    told = night(farm, "--gpu-price", "2.50")
    assert told["spent"] == {
        "olive-oil": {"trainingSeconds": 0.0, "drawingSeconds": 0.0, "lostSeconds": 0.0},
        "stable-socks": {"trainingSeconds": 61.0, "drawingSeconds": 180.0, "lostSeconds": 36.0},
    }
    assert told["gpuHours"] == pytest.approx(277 / 3600)
    assert (told["images"], told["imagesPerGpuHour"]) == (17, pytest.approx(17 * 3600 / 180))
    assert told["costPerImage"] == pytest.approx(2.5 * 180 / 3600 / 17)


def test_what_failed_is_told_with_its_cause_and_whether_it_was_made_good(farm: FakeFarm) -> None:
    failed = {(one["what"], one["count"], one["reason"], one["madeGood"]) for one in night(farm)["failed"]}
    assert failed == {("stable-socks v1", 1, "OutOfMemory", True), ("campaign/spring", 3, "OutOfMemory", False)}


def test_what_needs_a_person_comes_with_the_next_step(farm: FakeFarm) -> None:
    farm.wrongs = ["Only 1.0 GB are free."]
    assert [(one["what"], one["step"]) for one in night(farm)["needs"]] == [
        ("Only 1.0 GB are free.", ""),
        ("olive-oil v1 waits for a word", "`brandfarm sheet olive-oil`, then `brandfarm approve olive-oil`"),
        ("campaign/spring: 3 of 20 shots failed", "`brandfarm campaign rerun spring --failed`"),
    ]


def test_what_was_before_is_left_out(farm: FakeFarm) -> None:
    told = night(farm, "--since", "10m")
    assert (told["trained"], told["campaigns"], told["failed"], told["gpuHours"]) == ([], [], [], 0.0)


def test_an_attempt_whose_cost_nobody_noted_is_said_to_be_unknown(farm: FakeFarm) -> None:
    late = made.version(farm.store, 2, dataset=made.dataset(farm.store, "b one"), trained=False)
    made.failure(farm.store, late.asked, 1, seconds=None)
    shown = Terminal(farm).type("status", "-o", "table", columns=100).out
    assert "What 1 failed attempt took is not known." in shown


def test_a_person_reads_it_in_one_sentence(farm: FakeFarm) -> None:
    shown = " ".join(Terminal(farm).type("status", "-o", "table", "--since", "2h", columns=100).out.split())
    assert (
        "1 version trained, 17 images drawn, 1 campaign ended; 1 thing failed; 0.077 worker-hours; 2 things need you."
        in shown
    )
    assert "340 images an hour of drawing." in shown


def test_a_store_that_is_away_needs_a_person_and_hides_nothing_else(farm: FakeFarm) -> None:
    assert isinstance(farm.store, AwayStore)
    farm.store.is_away = True
    shown = " ".join(Terminal(farm).type("status", "-o", "table", columns=100).out.split())
    assert "The store: The store is away." in shown
    assert "stable-socks Ready" in shown


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(farm: FakeFarm, columns: int) -> None:
    shown = Terminal(farm).type("status", "-o", "table", "--gpu-price", "2.5", columns=columns).out
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= columns


def test_moments_are_understood_as_people_say_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert moments.since("24h", NOON) == NOON - 86400
    assert moments.since("07:30", NOON) == NOON - 1800  # NOON is 08:00
    assert moments.since("18:00", NOON) == NOON - 14 * 3600
    assert moments.since("2027-01-14", NOON) == NOON - 32 * 3600
    for odd in ("yesterday", "25:00"):
        with pytest.raises(click.UsageError):
            moments.since(odd, NOON)
    monkeypatch.undo()
    time.tzset()


def test_one_brand_piped_has_its_line_its_versions_and_its_conditions(farm: FakeFarm) -> None:
    rows = [line.split("\t") for line in Terminal(farm).type("status", "stable-socks").out.splitlines()]
    assert [row[:4] for row in rows[1:]] == [
        ["BrandProject", "default", "stable-socks", "Ready"],
        ["Version", "default", "stable-socks/v1", "approved"],
        ["Condition", "default", "Ready", "True"],
    ]
