"""A test that failed while the machine stood still is run again; one that failed on its own is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.stalls import STALL_SECONDS, TICK_SECONDS, Stall, Watch, late

FAILED = AssertionError("it failed")
CONFTEST = """
from tests.conftest import (WATCH, pytest_collection_modifyitems, pytest_configure, pytest_runtest_setup,
                            pytest_terminal_summary, pytest_unconfigure)
"""
FAILS_ONCE = """
import time
from conftest import WATCH
from tests.stalls import Stall

tried = []

def test_one(request):
    tried.append(time.monotonic())
    if {stalled} and len(tried) == 1:
        request.config.stash[WATCH].stalls.append(Stall(tried[0] - 9, tried[0]))
    assert len(tried) > 1
"""


@pytest.mark.parametrize(
    ("slept", "by"), [(TICK_SECONDS, 0.0), (TICK_SECONDS + STALL_SECONDS - 0.01, 0.0), (TICK_SECONDS + 23.0, 23.0)]
)
def test_a_sleeper_that_is_woken_a_little_late_is_usual(slept, by):
    assert late(slept) == by


@pytest.mark.slow
def test_the_watch_sees_that_it_was_not_woken_and_ends_with_those_it_watches_for():
    watch = Watch()
    watch.start()
    given_up = time.monotonic() + 60
    while len(watch.heard) < len(os.sched_getaffinity(0)):  # until it sleeps
        assert time.monotonic() < given_up
        time.sleep(0.05)
    assert watch.stalls == []
    assert watch.summary() == ""
    os.kill(watch._process.pid, signal.SIGSTOP)
    time.sleep(STALL_SECONDS + 2)
    os.kill(watch._process.pid, signal.SIGCONT)
    assert watch.is_to_blame(FAILED)
    assert all(STALL_SECONDS <= stall.seconds <= STALL_SECONDS + 10 for stall in watch.stalls)
    assert "the machine stood still" in watch.summary()
    watch.stop()
    assert watch._process.returncode == 0


def test_only_a_stall_in_the_test_or_right_before_is_to_blame_for_its_error():
    watch = Watch(stalls=[Stall(100.0, 123.0)], began=123.0 + 61.0)
    assert not watch.is_to_blame(FAILED)
    watch.began -= 2
    assert watch.is_to_blame(FAILED)
    assert not watch.is_to_blame(None)


@pytest.mark.parametrize(("stalled", "code", "said"), [(True, 0, "1 passed, 1 rerun"), (False, 1, "1 failed in")])
def test_only_what_failed_in_a_stall_is_run_again(tmp_path, stalled, code, said):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_once.py").write_text(FAILS_ONCE.format(stalled=stalled))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == code, run.stdout + run.stderr
    assert said in run.stdout
    assert ("the machine stood still 1 times, for up to 9 s" in run.stdout) is stalled
