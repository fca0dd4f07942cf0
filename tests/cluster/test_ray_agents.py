"""In a pod a raylet that is there has its answers, and nobody else's words are taken for a raylet's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cluster import ray_agents, ray_head


def test_a_raylet_is_known_by_its_command() -> None:
    commands = [
        [],
        ["/opt/brandfarm/bin/python", "agent.py", "--node-id=aa", "--node_id=bb"],
        ["/opt/ray/core/src/ray/raylet/raylet", "--raylet_socket_name=/tmp/ray/s", "--node_id=cc11"],
    ]
    assert ray_agents.nodes_of(commands) == ["cc11"]


def test_a_raylet_that_runs_is_answered_and_that_is_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "session_latest").mkdir()
    monkeypatch.setattr(ray_agents, "FOLDER", tmp_path)
    monkeypatch.setattr(ray_agents, "running_commands", lambda: [_command_of(process)])
    with subprocess.Popen(
        ["raylet", "-c", "read x", "sh", "--node_id=ff00"], executable="/bin/sh", stdin=-1
    ) as process:
        assert ray_agents.main() == 0
        process.kill()
    left = {path.name: path.read_text() for path in (tmp_path / "session_latest").iterdir()}
    assert left == {f"{name}_ff00": "-1" for name in ray_head.NOT_SERVED}


def _command_of(process: subprocess.Popen[bytes]) -> list[str]:
    """As the machine tells it, of this process alone: other farms may run here."""
    found = [one.info for one in ray_agents.psutil.process_iter(["pid", "cmdline"]) if one.info["pid"] == process.pid]
    return list(found[0]["cmdline"])
