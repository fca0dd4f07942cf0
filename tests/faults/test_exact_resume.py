"""A training killed at random, again and again, comes to the bytes of one that was not; in other company, to almost the same."""

from __future__ import annotations

from pathlib import Path

from tests.faults.forks import Forks
from tests.faults.killing import Killing, difference, resumed, training

KILLS = 25
"""The long set (`python -m tests.faults.long`) goes on to hundreds."""
TOLERANCE = 1e-3
"""Of the largest weight: in float32 the last bit depends on the padded shape, and AdamW amplifies it; 1e-6 to 1e-4 is seen."""


def test_after_random_kills_the_bytes_are_those_of_a_training_left_in_peace(forks: Forks, tmp_path: Path) -> None:
    found = resumed(forks, tmp_path, seed=0, kills=KILLS)
    assert found.peaceful.kills == 0
    assert found.killed.kills >= KILLS
    assert found.others == []
    assert found.killed.violations(found.jobs) == []


def test_resumed_in_other_company_the_weights_agree_within_a_tolerance_and_in_the_same_to_the_bit(
    forks: Forks, tmp_path: Path
) -> None:
    alone, killed = Killing(forks, tmp_path / "alone"), Killing(forks, tmp_path / "killed")
    jobs = [training(seed) for seed in range(3)]
    for job in jobs:
        alone.until_done([job], 0, plan="")
    killed.until_done(jobs, seed=1, in_company=True)
    companies = {shape[1] for job in jobs for shape in killed.record(job).made["shapes"]}
    assert companies >= {1, 2}, "no training changed its company, so agreeing would show nothing"
    assert killed.kills > 0
    assert max(difference(alone, killed, job) for job in jobs) < TOLERANCE
    assert killed.violations(jobs) == []
