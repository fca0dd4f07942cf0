"""The farm of a folder, looked at: down, half dead, open to others, or of another release."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cli.checkup import farm
from cli.checkup.finding import Finding, Verdict
from cluster import stores
from cluster.farm_home import Endpoint, FarmHome
from cluster.folder_store import FolderStore
from cluster.ports import WorkerReport
from jobs import keys, publish
from tests import builders
from tests.cli.terminal import Terminal
from tests.fakes.farm import IDLE, FakeFarm

ENDPOINT = Endpoint(
    dispatcher="http://127.0.0.1:1",
    ray="127.0.0.1:1",
    store="folder:///store",
    pid=os.getpid(),
    started=0.0,
    version="0.1.0",
)
DEAD = replace(ENDPOINT, pid=2**22 + 1)


@pytest.fixture
def home(tmp_path: Path) -> FarmHome:
    made = FarmHome(tmp_path / "farm")
    made.prepare()
    made.token()
    return made


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(FakeFarm(FolderStore(tmp_path / "other"), up=False))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {one.name: one for one in findings}


def told(terminal: Terminal, home: FarmHome) -> tuple[int, dict[str, dict[str, str]]]:
    shown = terminal.type("doctor", "--home", str(home.root), "-o", "json")
    return shown.code, {one["name"]: one for one in json.loads(shown.out)}


def test_a_folder_without_a_farm_is_no_failure_and_nothing_is_made(terminal: Terminal, tmp_path: Path) -> None:
    code, found = told(terminal, FarmHome(tmp_path / "nowhere"))
    assert code == 0
    assert {name: found[name]["verdict"] for name in ("home", "supervisor", "store")} == dict.fromkeys(
        ("home", "supervisor", "store"), "not proven"
    )
    assert "brandfarm up" in found["supervisor"]["next_step"]
    assert not (tmp_path / "nowhere").exists()


def test_a_farm_that_is_down_is_proven_as_far_as_it_can_be(terminal: Terminal, home: FarmHome) -> None:
    stores.open_of_home(home)
    code, found = told(terminal, home)
    assert code == 0
    assert found["home"]["verdict"] == "passed"
    assert "9 of 9 quick checks passed" in found["store"]["found"]
    assert "clocks: they agree" in found["store"]["found"]
    assert found["records"]["found"] == "none yet"
    assert "dispatcher" not in found


def test_what_failed_is_named_and_leaves_1(terminal: Terminal, home: FarmHome) -> None:
    home.token_file.chmod(0o644)
    shown = terminal.type("doctor", "--home", str(home.root), "-o", "table", columns=160)
    assert shown.code == 1
    assert "others may read token" in shown.out
    assert f"chmod 600 {home.token_file}" in shown.out
    assert "failed: home." in shown.err
    assert terminal.type("doctor", "--home", str(home.root), "-o", "name").out == "home\n"


def test_a_supervisor_that_died_without_a_word_is_told(home: FarmHome) -> None:
    home.lock.touch()
    assert farm.supervisor(home, DEAD).verdict is Verdict.FAILED
    assert farm.parts(home, DEAD) == []
    with home.lock.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert farm.supervisor(home, ENDPOINT).verdict is Verdict.PASSED
        assert farm.supervisor(home, None).verdict is Verdict.WARNED


def test_parts_that_are_gone_or_silent_are_told(home: FarmHome) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    home.children.write_text(json.dumps([os.getpid(), gone.pid]))
    [found] = farm.parts(home, ENDPOINT)
    assert found.verdict is Verdict.WARNED
    assert f"processes {gone.pid} are gone; no answer from ray at 127.0.0.1:1 and dispatcher" in found.found


def test_another_release_that_runs_is_warned_of(home: FarmHome) -> None:
    assert farm.release(ENDPOINT).verdict is Verdict.PASSED
    assert "the farm that runs is 0.9.0" in farm.release(replace(ENDPOINT, version="0.9.0")).found
    home.announce(replace(ENDPOINT, version="0.9.0"))
    said = json.loads(home.endpoint_file.read_text())
    home.endpoint_file.write_text(json.dumps({**said, "said by a newer release": 1}))
    assert home.endpoint().version == "0.9.0"


def test_a_dispatcher_that_does_not_answer_has_failed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    down = by_name(farm.answers(FakeFarm(store, up=False), ENDPOINT))
    assert down["dispatcher"].verdict is Verdict.FAILED
    up = by_name(farm.answers(FakeFarm(store), ENDPOINT))
    assert up["dispatcher"].found == "it answers, epoch 1; 3 jobs wait, 2 are under way"
    assert up["workers"].found == "worker-0 (cpu)"


def test_workers_that_are_silent_or_missing_are_told() -> None:
    [alive] = IDLE.workers
    silent = WorkerReport(name="worker-1", alive=False, base="", gpu_class="", jobs=())
    nobody = IDLE.model_copy(update={"workers": ()})
    assert farm.workers(nobody, age=20).verdict is Verdict.WARNED
    assert farm.workers(nobody, age=500).verdict is Verdict.FAILED
    half = farm.workers(IDLE.model_copy(update={"workers": (alive, silent)}), age=500)
    assert (half.verdict, half.found) == (Verdict.WARNED, "worker-0 (cpu); silent: worker-1")


def test_a_record_of_a_newer_release_is_found(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    record = builders.version_record()
    publish.record(store, keys.version(record.project_uid, 1), record.model_dump())
    assert farm.readable(store).found == "1 looked at, all readable"
    store.put(keys.version(record.project_uid, 2), json.dumps({"shape": "of the future"}).encode())
    found = farm.readable(store)
    assert found.verdict is Verdict.FAILED
    assert keys.version(record.project_uid, 2) in found.found


def test_a_store_that_is_gone_has_failed(home: FarmHome) -> None:
    home.store_mark.touch()
    assert by_name(farm.store(home))["store"].verdict is Verdict.FAILED


def test_rays_of_a_farm_without_a_supervisor_are_leftovers(home: FarmHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farm, "_rays_by_home", lambda: {str(home.root): [41, 42], "": [7]})
    found = farm.leftovers(home)
    assert found.verdict is Verdict.WARNED
    assert f"`brandfarm down --home {home.root}`; if they stay: kill 41 42" in found.next_step
    home.prepare()
    with home.lock.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert farm.leftovers(home).found == "none; 1 Ray processes belong to others"
