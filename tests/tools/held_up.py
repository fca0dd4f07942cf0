"""Runs tests while their processes are held up by chance, as on a busy machine: finds what only hopes that everything is quick.

`python -m tests.tools.held_up --seconds 2 -- tests/operators -x` is pytest with these arguments. Again and again its process, or one
of those that it has started, is stopped for a moment and goes on. A process that a test itself has stopped is left alone; one
that a test stops while it is held up here goes on too early, so try what fails alone before you believe it.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

APART_SECONDS = 0.5
"""The longest time between two holds."""


@dataclass
class Holder:
    """Holds processes up for `seconds` at most, as `chance` has it."""

    seconds: float
    chance: random.Random
    times: int = 0

    def hold_up_one_of(self, root: psutil.Process) -> None:
        """Half of the time it is the first of them."""
        with suppress(psutil.NoSuchProcess):
            below = [one for one in root.children(recursive=True) if _runs(one)]
            chosen = self.chance.choice(below) if below and self.chance.random() < 0.5 else root
            with held(chosen):
                time.sleep(self.chance.uniform(0.0, self.seconds))
            self.times += 1


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    return False


@contextmanager
def held(process: psutil.Process) -> Iterator[None]:
    """Stands still while inside; goes on however that ends."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def run(command: list[str], holder: Holder) -> int:
    """The exit code of a program that was held up until it ended."""
    program = subprocess.Popen(command)
    try:
        root = psutil.Process(program.pid)
        while program.poll() is None:
            holder.hold_up_one_of(root)
            time.sleep(holder.chance.uniform(0.0, APART_SECONDS))
        return program.returncode
    finally:
        program.terminate()
        program.wait()


def main(arguments: list[str] | None = None) -> int:
    """pytest's exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="the longest that one is held up (default 1)")
    parser.add_argument("--seed", type=int, default=None, help="what chance goes by; said at the end")
    parser.add_argument("tests", nargs="+", help="pytest's arguments, after --")
    asked = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10_000) if asked.seed is None else asked.seed
    holder = Holder(asked.seconds, random.Random(seed))
    code = run([sys.executable, "-m", "pytest", *asked.tests], holder)
    print(f"held up {holder.times} times, for {asked.seconds:g} s at most, by seed {seed}")
    return code


if __name__ == "__main__":
    sys.exit(main())
