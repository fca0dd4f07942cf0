"""A process that has torch and the tiny base in memory and forks a child for each piece of work, so that dying is cheap.

`Forks` is the test's end, free of torch; `python -m tests.faults.forks` is the other. It has one thread, as forking asks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 120
"""A child that lives longer is stuck; the alarm ends it, and the test sees SIGALRM."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: by which signal, or with what result."""

    signal: int
    result: Any

    @property
    def was_killed(self) -> bool:
        return self.signal == signal.SIGKILL


class Forks:
    """Starts the forking process; `do` runs a function of tests.faults.work in a child of it."""

    def __init__(self) -> None:
        surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forks"],
            cwd=ROOT,
            env=surroundings,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def do(self, function: str, **given: Any) -> Ended:
        """What became of one child. Raises AssertionError where it broke, with its traceback."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, given]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "broke" not in answer, answer["broke"]
        return Ended(**answer)


def _serve() -> None:
    from tests.faults import work

    work.warm_up()
    for line in sys.stdin:
        function, given = json.loads(line)
        print(json.dumps(_fork(getattr(work, function), given)), flush=True)


def _fork(function: Any, given: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(function, given, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        answer = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status), "result": None}
    return json.loads(answer)  # type: ignore[no-any-return]


def _be_child(function: Any, given: dict[str, Any], writing: int) -> None:
    signal.alarm(LONGEST_SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed is no answer
    try:
        answer = {"signal": 0, "result": function(**given)}
    except BaseException:
        answer = {"broke": traceback.format_exc()}
    with os.fdopen(writing, "w") as telling:
        telling.write(json.dumps(answer))
    os._exit(0)


if __name__ == "__main__":
    _serve()
