"""One process of a race in a folder: some writers for every key, told on standard output. It may die in the middle of a write."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from cluster.folder_store import FolderStore
from tests.store import races


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--keys", type=int, required=True)
    parser.add_argument("--writers", type=int, nargs=2, required=True, metavar=("FIRST", "END"))
    parser.add_argument("--die-in", choices=["fsync", "link", "replace"])
    parser.add_argument("--at", type=int, default=1)
    asked = parser.parse_args()
    if asked.die_in:
        _die_in(asked.die_in, asked.at)
    store, raced = FolderStore(asked.root), races.record_keys(asked.seed, asked.keys)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(asked.writers[1] - asked.writers[0]) as pool:
        for key in raced:
            write_ids = [f"{asked.seed}-{number}" for number in range(*asked.writers)]
            for told in pool.map(partial(races.write, store, key), write_ids):
                sys.stdout.write(told.to_json() + "\n")
                sys.stdout.flush()


def _die_in(name: str, at: int) -> None:
    """Let the process be killed in place of the `at`-th call of a function of `os`."""
    real, calls = getattr(os, name), iter(range(1, sys.maxsize))

    def call(*arguments: object) -> object:
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        return real(*arguments)

    setattr(os, name, call)


if __name__ == "__main__":
    main()
