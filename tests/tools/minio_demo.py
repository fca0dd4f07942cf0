"""`make demo STORE=minio`: the demo on a real MinIO server, which is started for it and ends with it.

The sheets and pictures stay; the farm and its bucket go, unless the demo failed: then the logs are wanted.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools import build, minio_server

FOLDER = Path("demo") / "minio"
BUCKET = "demo"
DETACHED = 130


def run(folder: Path) -> int:
    """The demo's exit code. Raises BuildFailed, ServerFailed."""
    leavings = [folder / "farm", folder / "server"]
    _remove(leavings)
    server_folder = folder / "server"
    server_folder.mkdir(parents=True)
    with minio_server.running(server_folder, f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(24)) as server:
        _say(f"MinIO answers at http://{server.endpoint}; the demo's bucket is {server.url(BUCKET)}. While it runs:")
        _say(f"$ brandfarm store usage --home {folder / 'farm'}")
        code = _demo(folder, server.url_with_credentials(BUCKET))
    if code not in (0, DETACHED):
        _say(f"The server is stopped. The farm's logs stay in {folder / 'farm' / 'logs'} until the next demo.")
        return code
    _remove(leavings)
    _say(f"The server is stopped; its bucket and the farm are gone. What was made for you stays in {folder}.")
    return code


def _demo(folder: Path, address: str) -> int:
    """Ctrl-C reaches the demo as well, which takes its farm down; we wait for that."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli", "demo", "--dir", str(folder), "--store", address]
    ) as demo:
        while True:
            try:
                return demo.wait()
            except KeyboardInterrupt:
                _say("Taking the farm down.")


def _remove(folders: list[Path]) -> None:
    for one in folders:
        if one.exists():
            shutil.rmtree(one)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Runs the demo; the exit code is the demo's."""
    try:
        sys.exit(run(FOLDER.absolute()))
    except (build.BuildFailed, minio_server.ServerFailed) as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
