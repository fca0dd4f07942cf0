"""Logs: numbered pieces in the store, read in order, once each, for people or as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.manifests import Campaign, parse
from jobs.plan import campaign_jobs
from jobs.records import CampaignRecord
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def terminal(store: FolderStore) -> Terminal:
    farm = FakeFarm(store)
    studio.fill(farm)
    return Terminal(farm)


def _tell(store: FolderStore, asked: str, number: int, *events: dict[str, object], attempt: int = 1) -> None:
    store.put(keys.log(asked, attempt, number), "".join(json.dumps(event) + "\n" for event in events).encode())


def _step(step: int) -> dict[str, object]:
    return {"at": 1_800_000_000.0 + step, "event": "step", "done": step, "loss": 0.123456}


def test_a_brands_log_is_that_of_its_newest_version(terminal: Terminal, store: FolderStore) -> None:
    _tell(store, builders.digest("v1"), 0, _step(1))
    _tell(store, builders.digest("v2"), 0, _step(2))
    assert terminal.type("logs", "stable-socks").out == "08:00:02 step done=2 loss=0.1235\n"
    assert terminal.type("logs", "stable-socks", "--version", "v1").out == "08:00:01 step done=1 loss=0.1235\n"


def test_pieces_are_read_in_order_over_all_attempts(terminal: Terminal, store: FolderStore) -> None:
    asked = builders.digest("v2")
    _tell(store, asked, 1, _step(3))
    _tell(store, asked, 0, _step(1), _step(2))
    _tell(store, asked, 0, _step(2), attempt=2)
    lines = terminal.type("logs", asked).out.splitlines()
    assert [line.split(" step ")[0] for line in lines] == ["08:00:01", "08:00:02", "08:00:03", "08:00:02 attempt 2"]
    assert terminal.type("logs", asked, "--tail", "1").out.splitlines() == lines[-1:]


def test_one_attempt_is_told_alone(terminal: Terminal, store: FolderStore) -> None:
    asked = builders.digest("v2")
    _tell(store, asked, 0, _step(1))
    _tell(store, asked, 0, _step(2), attempt=2)
    assert terminal.type("logs", asked, "--attempt", "1").out == "08:00:01 step done=1 loss=0.1235\n"
    assert terminal.type("logs", asked, "--attempt", "2").out == "08:00:02 attempt 2 step done=2 loss=0.1235\n"
    absent = terminal.type("logs", asked, "--attempt", "3")
    assert (absent.code, f"Nothing has been told of {asked} by attempt 3 yet." in absent.err) == (3, True)


def test_the_lines_as_they_were_written(terminal: Terminal, store: FolderStore) -> None:
    asked = builders.digest("v2")
    _tell(store, asked, 0, _step(1))
    (line,) = terminal.type("logs", "stable-socks", "-o", "json").out.splitlines()
    assert json.loads(line) == {"job": asked, "attempt": 1, **_step(1)}


def test_what_is_not_json_is_shown_as_it_stands(terminal: Terminal, store: FolderStore) -> None:
    store.put(keys.log(builders.digest("v2"), 1, 0), b"out of memory\n")
    assert terminal.type("logs", "stable-socks").out == "--:--:-- out of memory\n"


def test_following_tells_each_line_once(terminal: Terminal, store: FolderStore) -> None:
    asked = builders.digest("v2")
    _tell(store, asked, 0, _step(1))

    def go_on() -> None:
        if len(terminal.pauses) == 2:
            _tell(store, asked, 1, _step(2))
        if len(terminal.pauses) == 4:
            raise KeyboardInterrupt

    terminal.between = go_on
    shown = terminal.type("logs", "stable-socks", "-f")
    assert shown.code == 130
    assert [line[:8] for line in shown.out.splitlines()] == ["08:00:01", "08:00:02"]


def test_a_campaigns_log_is_that_of_its_chunks(terminal: Terminal, store: FolderStore) -> None:
    document = terminal.farm.document("Campaign", "default", "spring")
    campaign = parse(document)
    assert isinstance(campaign, Campaign)
    uid = document["metadata"]["uid"]
    record = CampaignRecord(uid=uid, plan=blobs.put(store, b"{}"), count=20, chunk=16, looks=[], created=0.0)
    publish.record(store, keys.campaign(uid), record.model_dump(mode="json", exclude={"writeId"}))
    first, second = (job.id for job in campaign_jobs(campaign, record, base=""))
    _tell(store, second, 0, _step(2))
    _tell(store, first, 0, _step(1))
    lines = terminal.type("logs", "campaign/spring").out.splitlines()
    assert [line.split()[1] for line in lines] == [first[:8], second[:8]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("olive-oil",), "Nothing has been told of olive-oil yet."),
        (("campaign/spring",), "spring has not started"),
        (("stable-socks", "--version", "v9"), "has no version v9"),
        (("f" * 64,), "Nothing has been told of"),
    ],
)
def test_what_has_not_been_told_is_not_found(words: tuple[str, ...], said: str, terminal: Terminal) -> None:
    shown = terminal.type("logs", *words)
    assert shown.code == 3
    assert said in shown.err


def test_a_brand_that_was_never_trained_has_no_log(terminal: Terminal) -> None:
    terminal.farm.create(builders.project("rye-gin"))
    assert "rye-gin has not been trained yet" in terminal.type("logs", "rye-gin").err
