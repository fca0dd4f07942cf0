"""Tests that are held up end as they would, and nothing of them is left standing still."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tools import held_up

SLEEPS = (
    "import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(1)'], check=True)\n"
)


@pytest.mark.parametrize("code", [0, 3])
def test_what_is_held_up_ends_as_it_would(code: int) -> None:
    holder = held_up.Holder(0.2, random.Random(1))
    assert held_up.run([sys.executable, "-c", f"{SLEEPS}sys.exit({code})"], holder) == code
    assert holder.times >= 1


@pytest.fixture
def sleeper() -> Iterator[psutil.Process]:
    with subprocess.Popen(["sleep", "600"]) as program:
        yield psutil.Process(program.pid)
        program.kill()


def until_stopped(process: psutil.Process, is_stopped: bool) -> None:
    """A signal takes a moment."""
    given_up = time.monotonic() + 60
    while (process.status() == psutil.STATUS_STOPPED) != is_stopped:
        assert time.monotonic() < given_up
        time.sleep(0.01)


def break_off(process: psutil.Process) -> None:
    with held_up.held(process):
        until_stopped(process, True)
        raise KeyboardInterrupt


def test_a_process_goes_on_however_its_hold_ended(sleeper: psutil.Process) -> None:
    with pytest.raises(KeyboardInterrupt):
        break_off(sleeper)
    until_stopped(sleeper, False)


def test_it_is_pytest_with_its_arguments_and_tells_its_seed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert False\n")
    code = held_up.main(["--seconds", "0.1", "--seed", "7", "--", str(tmp_path), "-q", "-p", "no:cacheprovider"])
    said = capfd.readouterr().out
    assert code == 1
    assert "1 failed" in said
    assert said.rstrip().endswith("times, for 0.1 s at most, by seed 7")
