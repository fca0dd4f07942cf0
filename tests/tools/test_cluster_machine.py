"""The cluster's command refuses in sentences, and ends what it started and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.cluster import machine, mounts, places, programs, remains
from tests.tools.cluster.places import ClusterFailed, Place

SLEEP = ["/bin/sleep", "600"]


def test_missing_packages_are_named_with_the_line_that_installs_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    monkeypatch.setattr(machine, "PACKAGES", {"buildah": "buildah", "nft": "nftables"})
    with pytest.raises(ClusterFailed, match=r"2 Debian packages .*\n  apt-get install .* buildah nftables$"):
        machine.check_packages()
    for name in machine.PACKAGES:
        (tmp_path / name).touch(mode=0o755)
    machine.check_packages()


def test_only_root_gets_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterFailed, match="only root may: run this with sudo"):
        machine.check([], 0)


def test_a_full_disk_is_told_before_anything_was_begun(tmp_path: Path) -> None:
    machine.check_disk(tmp_path / "not" / "there" / "yet", 0)
    with pytest.raises(ClusterFailed, match=r"takes up to 1000000 GiB of disk, and .*yet has .* GiB. Make room"):
        machine.check_disk(tmp_path / "not" / "there" / "yet", 1_000_000)


def test_a_program_outlives_the_call_that_started_it_and_ends_when_told(tmp_path: Path) -> None:
    programs.start(tmp_path, "sleeper", SLEEP)
    process = programs.find(tmp_path, "sleeper")
    assert process is not None
    assert os.getsid(process.pid) == process.pid
    assert programs.names(tmp_path) == ["sleeper"]
    programs.stop(tmp_path, "sleeper")
    assert not process.is_running()
    assert programs.names(tmp_path) == []
    programs.stop(tmp_path, "sleeper")


def test_a_frozen_program_ends_too(tmp_path: Path) -> None:
    programs.start(tmp_path, "sleeper", SLEEP)
    process = programs.find(tmp_path, "sleeper")
    assert process is not None
    process.suspend()
    programs.stop(tmp_path, "sleeper")
    assert not process.is_running()


def test_another_program_under_the_same_number_is_left_alone(tmp_path: Path) -> None:
    programs.start(tmp_path, "sleeper", SLEEP)
    process = programs.find(tmp_path, "sleeper")
    assert process is not None
    (record,) = (tmp_path / "programs").iterdir()
    kept = json.loads(record.read_text())
    record.write_text(json.dumps({**kept, "born": kept["born"] - 60}))
    assert programs.find(tmp_path, "sleeper") is None
    programs.stop(tmp_path, "sleeper")
    assert process.is_running()
    programs.kill([process])


def test_a_program_that_ends_early_is_quoted(tmp_path: Path) -> None:
    programs.start(tmp_path, "server", ["/bin/sh", "-c", "echo the port is taken >&2; exit 3"])
    with pytest.raises(ClusterFailed, match=r"server ended .* It said:\nthe port is taken$"):
        programs.wait(tmp_path, "server", 60, lambda: False)


def test_what_is_mounted_below_a_folder_is_found_innermost_first() -> None:
    points = mounts.below(Path("/dev"))
    assert {Path("/dev"), Path("/dev/pts")} <= set(points)
    assert points.index(Path("/dev/pts")) < points.index(Path("/dev"))
    assert mounts.below(Path("/proc/1/fd")) == []


def test_only_what_was_not_there_before_is_removed_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old, new, place = tmp_path / "old", tmp_path / "new", Place(tmp_path / "cluster")
    monkeypatch.setattr(remains, "FOLDERS", (str(old), str(new)))
    monkeypatch.setattr(remains, "CGROUPS", tmp_path / "cgroups")
    for folder in (old, place.folder, tmp_path / "cgroups" / "memory"):
        folder.mkdir(parents=True)
    assert remains.absent_before(place) == []
    remains.remember(place)
    for made in (old / "theirs", new / "ours", tmp_path / "cgroups" / "memory" / "k8s.io" / "pod"):
        made.mkdir(parents=True)
    remains.remove(place, remains.absent_before(place))
    assert (old / "theirs").is_dir()
    assert not new.exists()
    assert list((tmp_path / "cgroups" / "memory").iterdir()) == []


def test_without_a_cluster_the_next_step_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.tools.cluster", "status"]
    environment = {**os.environ, "BRANDFARM_CLUSTER": str(tmp_path / "none")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"No cluster is up in {tmp_path / 'none'}: bring one up first (up)." in done.stderr


def test_a_command_that_fails_says_what_it_complained_about() -> None:
    with pytest.raises(ClusterFailed, match=r"ended with 7: no such bridge$"):
        machine.said("/bin/sh", "-c", "echo no such bridge >&2; exit 7")


def test_the_default_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRANDFARM_CLUSTER", str(tmp_path))
    assert places.default() == Place(tmp_path)
