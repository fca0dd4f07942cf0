"""`make demo` stays light: only STORE=minio takes the environment that can build a server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("store", "requirements", "command"),
    [
        ("", "farm.txt", ".venv/bin/brandfarm demo"),
        ("minio", "dev.txt", ".venv/bin/python -m tests.tools.minio_demo"),
        ("minio://A:S@localhost:9000/b", "farm.txt", ".venv/bin/brandfarm demo --store 'minio://A:S@localhost:9000/b'"),
    ],
)
def test_each_store_has_its_command(store: str, requirements: str, command: str) -> None:
    made = subprocess.run(
        ["make", "--dry-run", "--always-make", "demo", f"STORE={store}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert made[-1].strip() == command
    assert [line.rpartition(" ")[2] for line in made if "-r requirements/" in line] == [f"requirements/{requirements}"]
