"""An attempt's log: numbered pieces, flushed every two seconds, kept while the store is away, never written over."""

from __future__ import annotations

import json

import pytest

from cluster.folder_store import FolderStore
from jobs import keys
from jobs.attempt_log import FLUSH_SECONDS, AttemptLog
from tests.fakes.away import AwayStore
from tests.jobs.generation.given import HandClock

ASKED = "a" * 64


@pytest.fixture
def store(tmp_path):
    return AwayStore(FolderStore(tmp_path))


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def log(store, clock):
    return AttemptLog(store, ASKED, 1, clock)


def pieces(store):
    """By number, the events of each piece."""
    return {
        int(key.rsplit("/", 1)[1].removesuffix(".jsonl")): [
            json.loads(line)["event"] for line in store.get(key).decode().splitlines()
        ]
        for key in store.list(keys.logs(ASKED))
    }


def test_a_line_holds_its_time_its_event_and_its_fields(log, store, clock):
    clock.seconds = 1.25
    log.line("step", step=10, loss=0.5)
    log.flush()
    (key,) = store.list(keys.logs(ASKED))
    assert key == keys.log(ASKED, 1, 0)
    assert json.loads(store.get(key)) == {"at": clock.now(), "event": "step", "step": 10, "loss": 0.5}


def test_lines_are_written_together_once_two_seconds_have_passed(log, store, clock):
    log.line("one")
    log.line("two")
    log.flush_if_due()
    assert pieces(store) == {}
    clock.seconds += FLUSH_SECONDS
    log.flush_if_due()
    assert pieces(store) == {0: ["one", "two"]}


def test_each_flush_is_a_piece_of_its_own_and_an_empty_one_is_none(log, store):
    for event in ("one", "two"):
        log.line(event)
        log.flush()
        log.flush()
    assert pieces(store) == {0: ["one"], 1: ["two"]}


def test_lines_wait_while_the_store_is_away(log, store, clock):
    log.line("one")
    store.is_away = True
    log.flush()
    log.line("two")
    log.flush()
    store.is_away = False
    log.flush_if_due()
    assert pieces(store) == {}
    clock.seconds += FLUSH_SECONDS
    log.flush_if_due()
    assert pieces(store) == {0: ["one", "two"]}


def test_who_goes_on_with_an_attempt_writes_after_what_is_there_even_where_old_pieces_were_swept(log, store, clock):
    for event in ("one", "two", "three"):
        log.line(event)
        log.flush()
    store.delete(keys.log(ASKED, 1, 0))
    later = AttemptLog(store, ASKED, 1, clock)
    later.line("four")
    later.flush()
    assert pieces(store) == {1: ["two"], 2: ["three"], 3: ["four"]}


def test_attempts_do_not_share_pieces(log, store, clock):
    log.line("first attempt")
    log.flush()
    second = AttemptLog(store, ASKED, 2, clock)
    second.line("second attempt")
    second.flush()
    assert list(store.list(keys.logs(ASKED))) == [keys.log(ASKED, 1, 0), keys.log(ASKED, 2, 0)]
