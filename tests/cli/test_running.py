"""Starting and stopping: one farm to a home, a store that answers first, and what a crash left is cleared away."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cli import running
from cli.running import Shape
from cluster.farm_home import Endpoint, FarmHome
from cluster.folder_store import FolderStore
from jobs.errors import FarmBusy, FarmError, StoreError
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm

SHAPE = Shape(cpus=1, threads=1)


@pytest.fixture
def home(tmp_path: Path) -> FarmHome:
    return FarmHome(tmp_path / "farm")


@contextmanager
def _held(home: FarmHome) -> Iterator[None]:
    home.prepare()
    with home.lock.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _endpoint(pid: int) -> Endpoint:
    return Endpoint(dispatcher="http://127.0.0.1:1", ray="", store="folder:///store", pid=pid, started=0.0)


def _stand_in(home: FarmHome, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program in the supervisor's place; it gets the home's folder."""
    monkeypatch.setattr(running, "_command", lambda place, _shape: [sys.executable, "-c", script, str(place.root)])


READY = """
import fcntl, json, os, signal, sys, time
from pathlib import Path
home = Path(sys.argv[1])
lock = (home / "farm.lock").open("a+")
fcntl.flock(lock, fcntl.LOCK_EX)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
body = {"dispatcher": "http://127.0.0.1:1", "ray": "", "store": "folder:///store", "pid": os.getpid(), "started": 0.0}
(home / "endpoint.tmp").write_text(json.dumps(body))
(home / "endpoint.tmp").replace(home / "endpoint.json")
signal.sigwait({signal.SIGTERM})
"""


def test_up_returns_once_the_farm_is_ready_and_down_stops_it(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(home, monkeypatch, READY)
    endpoint = running.up(home, SHAPE, lambda _words: None)
    assert running.is_held(home)
    with pytest.raises(FarmBusy, match="A farm runs in"):
        running.up(home, SHAPE, lambda _words: None)
    assert running.down(home, lambda _words: None)
    assert not running.is_held(home)
    os.waitpid(endpoint.pid, 0)


def test_a_farm_that_does_not_start_says_what_its_supervisor_said(
    home: FarmHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(home, monkeypatch, "raise SystemExit('ray did not start; see logs/ray.log')")
    with pytest.raises(FarmError, match="The farm did not start: ray did not start") as failed:
        running.up(home, SHAPE, lambda _words: None)
    assert str(home.logs) in failed.value.hint


def test_of_two_that_start_at_once_the_second_learns_why(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(home, monkeypatch, "raise SystemExit('Another farm holds /farm.')")
    with pytest.raises(FarmBusy, match="Another farm holds /farm"):
        running.up(home, SHAPE, lambda _words: None)


def test_ctrl_c_while_it_starts_takes_it_down_again(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(home, monkeypatch, "import signal; signal.pause()")
    started: list[subprocess.Popen[bytes]] = []
    real = running._supervisor
    monkeypatch.setattr(running, "_supervisor", lambda *given: started.append(real(*given)) or started[0])

    def interrupt(_words: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        running.up(home, SHAPE, interrupt)
    assert started[0].poll() is not None


def test_a_start_that_is_broken_off_says_so(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_given: object) -> Endpoint:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "up", interrupted)
    told = Terminal(FakeFarm(FolderStore(home.root / "store"))).type("up", "--home", str(home.root))
    assert told.code == 130
    assert "what had started is down again" in told.err


def test_a_home_that_is_held_is_left_alone(home: FarmHome) -> None:
    shown = Terminal(FakeFarm(FolderStore(home.root / "store")))
    with _held(home):
        told = shown.type("up", "--home", str(home.root))
        assert (told.code, told.out) == (1, "")
        assert "A farm runs in" in told.err
        assert "brandfarm down" in told.err
        told = shown.type("down", "--home", str(home.root))
        assert told.code == 1
        assert "just starting, or just stopping" in told.err


def test_down_where_no_farm_runs_is_no_failure(home: FarmHome) -> None:
    shown = Terminal(FakeFarm(FolderStore(home.root / "store"))).type("down", "--home", str(home.root), "-o", "table")
    assert shown.code == 0
    assert "No farm ran" in shown.out


def test_down_ends_what_a_killed_supervisor_left(home: FarmHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.prepare()
    script = [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"]
    ours = {**os.environ, "BRANDFARM_HOME": str(home.root)}
    child = subprocess.Popen(script, start_new_session=True, env=ours, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    home.children.write_text(json.dumps([child.pid]))
    home.announce(_endpoint(pid=2**22 + 1))
    assert running.down(home, lambda _words: None)
    child.stdout.close()
    child.wait(60)
    assert not psutil.pid_exists(child.pid)
    assert capsys.readouterr().out == ""
    assert not home.endpoint_file.exists()


def test_down_ends_a_left_worker_that_wrote_over_its_environment(home: FarmHome) -> None:
    home.prepare()
    loop = "sleep 300 & env -i sleep 300 & echo $!; wait"
    ours = {**os.environ, "BRANDFARM_HOME": str(home.root)}
    leader = subprocess.Popen(["sh", "-c", loop], start_new_session=True, env=ours, stdout=subprocess.PIPE, text=True)
    assert leader.stdout is not None
    nameless = psutil.Process(int(leader.stdout.readline()))
    leader.kill()
    leader.wait(60)
    home.children.write_text(json.dumps([leader.pid]))
    home.announce(_endpoint(pid=2**22 + 1))
    assert running.down(home, lambda _words: None)
    leader.stdout.close()
    assert not nameless.is_running() or nameless.status() == psutil.STATUS_ZOMBIE


def test_a_session_that_knows_nothing_of_the_home_is_let_be(home: FarmHome) -> None:
    home.prepare()
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    home.children.write_text(json.dumps([stranger.pid]))
    home.announce(_endpoint(pid=2**22 + 1))
    assert running.down(home, lambda _words: None)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait(60)


@pytest.mark.parametrize("url", ["ftp://somewhere/bucket", "minio://key:secret@127.0.0.1:1/Not_A_Bucket"])
def test_a_store_that_cannot_be_stops_up_before_anything_starts(url: str, home: FarmHome) -> None:
    told = Terminal(FakeFarm(FolderStore(home.root / "store"))).type("up", "--home", str(home.root), "--store", url)
    assert told.code == 2
    assert not home.secret_store.exists()
    assert "secret@" not in told.err


def test_a_stores_address_is_kept_for_its_owner_alone(home: FarmHome, tmp_path: Path) -> None:
    said = running.set_store(home, f"folder://{tmp_path / 'elsewhere'}")
    assert said == f"folder://{tmp_path / 'elsewhere'}"
    assert home.store_url() == said
    assert home.secret_store.stat().st_mode & 0o777 == 0o600


def test_a_store_that_does_not_answer_is_not_kept(home: FarmHome) -> None:
    with pytest.raises(StoreError):
        running.set_store(home, "minio://key:secret@127.0.0.1:1/bucket")
    assert not home.secret_store.exists()


SLOW = """
import sys, time
from pathlib import Path
print('[warning] ray is slow to start; try 2 of 2', flush=True)
while not (Path(sys.argv[1]) / "heard").exists():
    time.sleep(0.01)
"""


def test_a_part_that_is_slow_to_start_is_named(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(home, monkeypatch, SLOW + READY)
    told: list[str] = []

    def tell(words: str) -> None:
        told.append(words)
        if "try 2 of 2" in words:
            (home.root / "heard").touch()

    endpoint = running.up(home, SHAPE, tell)
    assert "Starting the farm: ray is slow to start; try 2 of 2" in told
    assert running.down(home, tell)
    os.waitpid(endpoint.pid, 0)
