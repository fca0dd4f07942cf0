"""Runs one program, given as arguments, that ends with whoever started this: however that one ended.

The starter holds the other end of our standard input; when it closes, the program is killed. SIGTERM is handed on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Exits as the program does."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda _number, _frame: program.terminate())
    threading.Thread(target=_end_with_the_starter, args=(program,), daemon=True).start()
    code = program.wait()
    sys.exit(code if code >= 0 else 128 - code)


def _end_with_the_starter(program: subprocess.Popen[bytes]) -> None:
    os.read(sys.stdin.fileno(), 1)
    program.kill()


if __name__ == "__main__":
    main()
