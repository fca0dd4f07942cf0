"""Runs the tests in two processes side by side. `make test`.

The two take about as long as each other, so two cores are kept busy; each file's tests still run in order in one process. Exit
code 0 only where both halves passed and each ran tests.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent
FIRST = ("chaos", "cli", "faults", "helm", "jobs", "kubernetes", "operators", "store")
APART = ("gpu", "bench", "whole")
SILENT_SECONDS = 900.0
"""So long no test takes: a half that says nothing for so long hangs, is told to show where, and ends."""

COUNTS = re.compile(rb"(\d+) (passed|failed|error|errors|skipped|xfailed)\b")


@dataclass(frozen=True)
class Half:
    """One pytest process and the file that it writes to."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def wait(self, silent_seconds: float = SILENT_SECONDS) -> int:
        """Its exit code; a half that hangs is ended, and writes where each of its threads stood."""
        said, since = -1, time.monotonic()
        while True:
            try:
                return self.process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                size = self.output.stat().st_size
            if size != said:
                said, since = size, time.monotonic()
            elif time.monotonic() - since > silent_seconds:
                self.process.send_signal(signal.SIGABRT)
                return self.process.wait()

    def counts(self) -> dict[str, int]:
        """What its closing line says, by outcome."""
        last = self.output.read_bytes().strip().rsplit(b"\n", 1)[-1]
        return {outcome.decode().rstrip("s"): int(count) for count, outcome in COUNTS.findall(last)}


def folders() -> dict[str, list[str]]:
    """Every folder of tests in one of the halves; a new one in the second until somebody moves it."""
    those = sorted(
        path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file() and any(path.rglob("test_*.py"))
    )
    others = [name for name in those if name not in (*FIRST, *APART)]
    return {"first": list(FIRST), "second": others}


def start(name: str, chosen: list[str], arguments: list[str], logs: Path) -> Half:
    """A half on its way."""
    output = logs / f"{name}.log"
    command = [sys.executable, "-m", "pytest", *(str(ROOT / folder) for folder in chosen), *arguments]
    cache = ["-o", f"cache_dir=.pytest_cache/{name}"]
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with output.open("wb") as written:
        process = subprocess.Popen([*command, *cache], stdout=written, stderr=subprocess.STDOUT, env=environment)
    return Half(name, process, output)


def main() -> int:
    """Run both, print what they said one after the other, then one line for all."""
    with tempfile.TemporaryDirectory() as logs:
        halves = [start(name, chosen, sys.argv[1:], Path(logs)) for name, chosen in folders().items()]
        codes = []
        for half in halves:
            codes.append(half.wait())
            print(f"== {half.name}", flush=True)
            sys.stdout.buffer.write(half.output.read_bytes())
            sys.stdout.flush()
        counts = [half.counts() for half in halves]
    total = {outcome: sum(one.get(outcome, 0) for one in counts) for outcome in ("passed", "failed", "error")}
    print(f"{total['passed']} passed, {total['failed'] + total['error']} failed")
    return verdict(codes)


def verdict(codes: list[int]) -> int:
    """0 only where every half ended with 0; one that was killed has a negative code."""
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
