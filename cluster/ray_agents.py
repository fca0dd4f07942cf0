"""Beside `ray start` in a pod: answers for the dashboard's agent, as `python -m cluster.ray_agents &`; a slow machine only starts slowly.

Ends by itself once a raylet has its answers. Ray itself is not imported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from cluster import ray_head

FOLDER = Path("/tmp/ray")  # Ray's own, unless it is told otherwise
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 600.0
_NODE = "--node_id="


def nodes_of(commands: Iterable[list[str]]) -> list[str]:
    """The ids of the nodes whose raylets are among these commands."""
    return [
        word.removeprefix(_NODE)
        for command in commands
        if command and Path(command[0]).name == "raylet"
        for word in command
        if word.startswith(_NODE)
    ]


def running_commands() -> Iterable[list[str]]:
    """The commands of this machine's processes, or of this pod's; one that ends meanwhile has none."""
    return (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))


def main() -> int:
    """0 once a raylet was answered, 1 where none came."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = nodes_of(running_commands())
        for node in found:
            ray_head.answer_for_agents_of(node, FOLDER)
        if found:
            return 0
        time.sleep(LOOK_SECONDS)
    return 1


if __name__ == "__main__":
    sys.exit(main())
