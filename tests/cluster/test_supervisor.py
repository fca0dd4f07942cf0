"""A farm's supervisor: starts the three processes on an empty home, restarts what dies, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from cluster import children
from cluster.farm_home import FarmHome
from cluster.supervisor import Supervisor
from jobs.errors import FarmDown

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PATIENCE_SECONDS = 150.0
PARTS = {"ray": "ray", "dispatcher": "cluster.main", "controller": "operators.main"}


def until(what, look, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.05)
    return answer


def belongs_to(process, home):
    try:
        return process.environ().get("BRANDFARM_HOME") == str(home.root) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


class Supervised:
    """A home with its supervisor, which may be started, killed and started again."""

    def __init__(self, root: Path) -> None:
        self.home = FarmHome(root)
        self.process = None

    def start(self):
        return subprocess.Popen(
            [sys.executable, "-m", "cluster.supervisor", f"--home={self.home.root}", "--cpus=1", "--threads=1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def up(self):
        """The endpoint of the running farm, started if need be."""
        if self.process is None or self.process.poll() is not None:
            self.process = self.start()
        return until("the farm is ready", self._endpoint)

    def _endpoint(self):
        assert self.process.poll() is None, self.process.stdout.read()
        try:
            endpoint = self.home.endpoint()
        except FarmDown:
            return None
        return endpoint if endpoint.pid == self.process.pid else None

    def processes(self):
        return [one for one in psutil.process_iter() if belongs_to(one, self.home)]

    def part(self, name):
        """The process that leads a part of the farm."""
        leaders = json.loads(self.home.children.read_text())
        return leaders[list(PARTS).index(name)]

    def spare(self):
        """The process that waits to take the dispatcher's place."""
        leaders = json.loads(self.home.children.read_text())
        return leaders[len(PARTS)] if len(leaders) > len(PARTS) else None

    def ready_spare(self):
        """The same, once it has said that it has imported and joined all that it needs."""
        spare = self.spare()
        told = (self.home.logs / "dispatcher.log").read_text().splitlines()
        return spare if any("spare is ready" in line and f'"pid": {spare}' in line for line in told) else None

    def is_healthy(self):
        try:
            return httpx.get(f"{self.home.endpoint().dispatcher}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def has_worker(self):
        token = {"Authorization": f"Bearer {self.home.token()}"}
        try:
            answer = httpx.get(f"{self.home.endpoint().dispatcher}/v1/summary", headers=token, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.is_success and any(worker["alive"] for worker in answer.json()["workers"])

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        for one in self.processes():
            one.kill()
        shutil.rmtree((self.home.logs / "workers").readlink().parents[1])


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    supervised = Supervised(tmp_path_factory.mktemp("home"))
    yield supervised
    supervised.end()


def test_an_empty_home_becomes_a_farm_with_a_worker(farm):
    endpoint = farm.up()
    assert farm.is_healthy()
    assert list((farm.home.logs / "workers").glob("raylet.*"))
    assert Path(endpoint.store.removeprefix("folder://")) == farm.home.store
    assert farm.home.token_file.stat().st_mode & 0o077 == 0
    assert {path.stem for path in farm.home.logs.glob("*.log")} == set(PARTS)
    until("there is a worker", farm.has_worker)


def test_rays_files_which_ray_opens_to_everybody_are_in_a_folder_of_this_user_alone(farm):
    farm.up()
    logs = (farm.home.logs / "workers").readlink()
    (mine,) = [folder for folder in logs.parents if folder.parent == Path("/tmp")]
    assert mine.stat().st_mode & 0o777 == 0o700
    assert any(mine.rglob("raylet.out"))


def test_a_second_supervisor_on_the_same_home_is_turned_away(farm):
    endpoint = farm.up()
    second = farm.start()
    said, _ = second.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 1
    assert "Another farm holds" in said
    assert "brandfarm down" in said
    assert farm.home.endpoint() == endpoint
    assert farm.is_healthy()


def test_whoever_only_looks_whether_a_farm_runs_turns_none_away(tmp_path):
    home = FarmHome(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, cpus=1, threads=1)
    with home.lock.open("a+") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.3, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        supervisor._hold()
        with pytest.raises(BlockingIOError):
            fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)
    shutil.rmtree(supervisor._ray_folder.parent)


def test_a_spare_that_is_all_imported_takes_a_dead_dispatchers_place(farm):
    farm.up()
    spare = until("there is a spare, all imported", farm.ready_spare)
    os.kill(farm.part("dispatcher"), signal.SIGKILL)
    until("the spare is the dispatcher", lambda: farm.part("dispatcher") == spare and farm.is_healthy())
    until("there is another spare", lambda: farm.spare() not in (None, spare))
    until("it has a worker", farm.has_worker)


@pytest.mark.parametrize("name", ["controller", "dispatcher", "ray"])
def test_a_part_that_is_killed_is_started_again(farm, name):
    farm.up()
    pid = farm.part(name)
    os.kill(pid, signal.SIGKILL)
    until(f"the {name} is another process", lambda: farm.part(name) != pid and psutil.pid_exists(farm.part(name)))
    until("the farm is healthy", lambda: farm.is_healthy() and farm.has_worker())


def test_what_a_killed_supervisor_left_is_ended_by_the_next(farm):
    farm.up()
    farm.process.kill()
    farm.process.communicate()
    left = farm.processes()
    assert len(left) >= len(PARTS)
    farm.up()
    assert farm.is_healthy()
    assert not [one for one in left if one.is_running() and belongs_to(one, farm.home)]


def test_told_to_stop_it_takes_everything_down(farm):
    farm.up()
    farm.process.send_signal(signal.SIGTERM)
    said, _ = farm.process.communicate(timeout=PATIENCE_SECONDS)
    assert farm.process.returncode == 0, said
    assert farm.processes() == []
    assert not farm.home.children.exists()
    with pytest.raises(FarmDown):
        farm.home.endpoint()


def test_a_session_that_belongs_to_nobodys_farm_is_let_be(tmp_path):
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        listed = tmp_path / "children.json"
        listed.write_text(json.dumps([stranger.pid]))
        children.end_leftovers(listed)
        assert stranger.poll() is None
        assert not listed.exists()
        children.end_session(stranger.pid)
        assert not psutil.pid_exists(stranger.pid)
