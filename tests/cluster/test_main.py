"""The dispatcher as a process: what it reads at the start, what it loads, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from cluster.ray_head import free_ports
from cluster.settings import Settings, read
from cluster.wishes import Bounds, bounds_of
from jobs.errors import ManifestInvalid, Unauthorized

SERVE = """
import asyncio, sys
from cluster import main, stores
from cluster.local_fleet import LocalFleet
asyncio.run(main.serve(LocalFleet([]), stores.open_store(sys.argv[1]), "token", host="127.0.0.1", port=int(sys.argv[2])))
"""


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BRANDFARM_")]:
        monkeypatch.delenv(name)


def started(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A Python process of ours."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_starts_without_torch_and_without_ray_until_it_connects() -> None:
    code = "import sys, cluster.main; print([name for name in ('torch', 'ray', 'minio', 'kubernetes') if name in sys.modules])"
    out, err = started(code).communicate(timeout=60)
    assert (out.strip(), err) == ("[]", "")


def test_the_client_loads_no_server() -> None:
    code = "import sys, cluster.client; print([name for name in ('fastapi', 'uvicorn', 'structlog') if name in sys.modules])"
    out, _ = started(code).communicate(timeout=60)
    assert out.strip() == "[]"


def test_told_to_stop_it_ends_well(tmp_path: Path, free_port: int) -> None:
    process = started(SERVE, str(tmp_path), str(free_port))
    try:
        wait_until_ready(free_port, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err


def test_without_a_token_it_does_not_start_and_says_so_in_one_line_of_json(tmp_path: Path) -> None:
    code = "import sys; from cluster.main import main; sys.exit(main())"
    process = started(code, BRANDFARM_HOME=str(tmp_path))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    told = json.loads(err)
    assert (told["level"], told["reason"]) == ("error", "Unauthorized")
    assert "brandfarm up" in told["hint"]


def wait_until_ready(port: int, process: subprocess.Popen[str]) -> None:
    """Ask until the process is ready; another process has no clock that a test could turn."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=30).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("it never became ready")


@pytest.fixture
def free_port() -> int:
    return free_ports(1)[0]


# Settings.


def test_without_variables_the_settings_mean_the_farm_in_the_home(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    chosen = Settings(home=tmp_path)
    assert chosen.store_address == str(tmp_path / "store")
    assert chosen.token() == "secret"
    assert (chosen.host, chosen.threads) == ("127.0.0.1", 1)


def test_variables_say_where_everything_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mounted").write_text("mounted-token")
    for name, value in {
        "BRANDFARM_STORE": "http://minio:9000/studio",
        "BRANDFARM_STORE_ACCESS_KEY": "key",
        "BRANDFARM_STORE_SECRET_KEY": "a/secret",
        "BRANDFARM_TOKEN_FILE": str(tmp_path / "mounted"),
        "BRANDFARM_PORT": "9999",
        "BRANDFARM_RAY_ADDRESS": "127.0.0.1:6379",
        "BRANDFARM_THREADS": "2",
        "BRANDFARM_DISPATCHER": "http://somewhere-else",
    }.items():
        monkeypatch.setenv(name, value)
    chosen = read()
    assert chosen.store_address == "http://key:a%2Fsecret@minio:9000/studio"
    assert (chosen.token(), chosen.port, chosen.ray_address) == ("mounted-token", 9999, "127.0.0.1:6379")
    room = {"batch": 8, "rows": 8, "resident": 32}
    assert chosen.workbench_options == {"store": chosen.store_address, "threads": 2, **room}
    assert "a/secret" not in repr(chosen)


def test_the_pods_that_it_may_ask_for_come_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "BRANDFARM_GROUPS", '{"night": {"max": 4, "min": 1, "gpu": 2, "gpuClass": "h100"}, "cpu": {"max": 1}}'
    )
    monkeypatch.setenv("BRANDFARM_KEEP_SECONDS", "30")
    chosen = read()
    assert bounds_of(chosen.groups) == {"h100": Bounds(2, 8), "cpu": Bounds(0, 1)}
    assert (chosen.patience.keep, chosen.ray_patience) == (30.0, 0.0)


def test_credentials_in_the_address_come_before_those_beside_it() -> None:
    address = "minio://mine:own@minio:9000/studio"
    chosen = Settings(store=address, store_access_key="other", store_secret_key="other")  # type: ignore[arg-type]
    assert chosen.store_address == address


def test_a_variable_that_cannot_be_understood_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_PORT", "many")
    with pytest.raises(ManifestInvalid, match="BRANDFARM_PORT"):
        read()


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_an_open_dispatcher_is_never_started(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    with pytest.raises(Unauthorized, match="no token"):
        Settings(home=tmp_path).token()
