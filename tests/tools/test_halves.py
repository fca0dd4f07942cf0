"""The two halves of the tests pass together or not at all."""

from __future__ import annotations

import signal

import pytest

from tests import halves


@pytest.mark.parametrize(("codes", "told"), [([0, 0], 0), ([0, 1], 1), ([-signal.SIGKILL, 0], 1), ([5, 0], 1)])
def test_a_half_that_failed_or_was_killed_or_ran_nothing_fails_both(codes: list[int], told: int) -> None:
    assert halves.verdict(codes) == told
