"""The two halves of the tests pass together or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import halves


@pytest.mark.parametrize(("codes", "told"), [([0, 0], 0), ([0, 1], 1), ([-signal.SIGKILL, 0], 1), ([5, 0], 1)])
def test_a_half_that_failed_or_was_killed_or_ran_nothing_fails_both(codes: list[int], told: int) -> None:
    assert halves.verdict(codes) == told


def test_a_half_that_hangs_is_ended_and_shows_where(tmp_path: Path) -> None:
    code = "import faulthandler, time; faulthandler.enable(); print('begun', flush=True); time.sleep(600)"
    output = tmp_path / "half.log"
    with output.open("wb") as written:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=written, stderr=subprocess.STDOUT)
    given_up = time.monotonic() + 60
    while not output.read_bytes():
        assert time.monotonic() < given_up
        time.sleep(0.05)
    assert halves.Half("half", process, output).wait(silent_seconds=2) == -signal.SIGABRT
    said = output.read_text()
    assert said.startswith("begun")
    assert 'File "<string>", line 1 in <module>' in said
