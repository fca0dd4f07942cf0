"""`make bench`: every comparison, measured side by side in this run, printed and kept in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"
BENCHES = ("fused", "mixed", "png", "planning", "overhead", "dispatch", "controller", "controller_kube")

HEAD = """# Benchmarks

Ratios measured side by side in one run by `make bench`; machines are shared and noisy, so an absolute time says little. Last run: {where}.
"""


def main() -> None:
    """Measure all, each in a process of its own with one torch thread, and keep what they print."""
    parts = [HEAD.format(where=f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    for name in BENCHES:
        command = [sys.executable, "-m", f"tests.bench.{name}"]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        print(done.stdout, flush=True)
        parts.append(f"\n## {name}\n\n{done.stdout.strip()}\n")
    DOCUMENT.write_text("".join(parts))


if __name__ == "__main__":
    main()
