"""This machine, looked at: what is missing is named with what it is for, and no secret is shown."""

from __future__ import annotations

import pytest

from cli.checkup import machine
from cli.checkup.finding import Verdict

H100 = "NVIDIA H100 80GB HBM3, 81559 MiB\n"


def answers(*, card: str | None, torch: str | None):
    return lambda command: card if command[0] == "nvidia-smi" else torch


@pytest.mark.parametrize(
    ("card", "torch", "verdict", "found"),
    [
        (None, None, Verdict.PASSED, "none seen: workers use the CPU"),
        (H100, "1 2.15.0\n", Verdict.PASSED, "81559 MiB; torch 2.15.0 sees it"),
        (H100 * 2, "2 2.15.0\n", Verdict.PASSED, "torch 2.15.0 sees all of them"),
        (H100, "0 2.15.0\n", Verdict.FAILED, "torch 2.15.0 sees 0 of 1"),
        (H100, None, Verdict.WARNED, "torch could not be asked"),
    ],
)
def test_a_gpu_counts_only_if_torch_sees_it(card, torch, verdict, found) -> None:
    finding = machine.gpu(answers(card=card, torch=torch))
    assert finding.verdict is verdict
    assert found in finding.found


def test_a_library_that_is_missing_is_named_with_its_purpose() -> None:
    finding = machine.library("torch", None)
    assert finding.verdict is Verdict.WARNED
    assert finding.found == "not installed, for workers: training and drawing"
    assert "pip install 'brandfarm[worker]'" in finding.next_step
    assert machine.installed("no-such-library") is None
    assert machine.library("minio", machine.installed("minio")).verdict is Verdict.PASSED


def test_secrets_of_the_environment_are_not_shown() -> None:
    given = {
        "BRANDFARM_STORE": "minio://ACCESS:hidden-1@localhost:9000/studio",
        "BRANDFARM_STORE_SECRET_KEY": "hidden-2",
        "BRANDFARM_TOKEN_FILE": "/farm/token",
        "BRANDFARM_TOKEN": "hidden-3",
        "HOME": "/root",
    }
    finding = machine.environment(given)
    assert finding.verdict is Verdict.PASSED
    assert "hidden" not in finding.found
    assert "BRANDFARM_STORE=minio://***@localhost:9000/studio" in finding.found
    assert "BRANDFARM_TOKEN_FILE=/farm/token" in finding.found
    assert "HOME=/root" not in finding.found


def test_armed_failpoints_are_warned_of() -> None:
    assert machine.environment({"BRANDFARM_FAILPOINTS": "worker.after-turn@3"}).verdict is Verdict.WARNED


def test_a_crowded_machine_and_an_old_python_are_told() -> None:
    assert machine.processors(2, 1.0).verdict is Verdict.PASSED
    assert machine.processors(2, 12.0).verdict is Verdict.WARNED
    assert machine.room_in_memory(10**9, 8 * 10**9).verdict is Verdict.WARNED
    assert machine.python((3, 10, 2), "/usr/bin/python3").verdict is Verdict.FAILED


def test_a_program_that_is_not_there_or_fails_answers_nothing() -> None:
    assert machine.answer_of(["no-such-program-here"]) is None
    assert machine.answer_of(["false"]) is None
    assert machine.answer_of(["echo", "yes"]) == "yes\n"
