"""Servers are built once, from pinned modules, and a failed build says why."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.tools import build

GOOD = "package main\n\nfunc main() {}\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tool of one line, in a place of its own, with an empty cache."""
    folder = tmp_path / "modules" / "tiny"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.24\n\ntool example.com/tiny\n")
    (folder / "main.go").write_text(GOOD)
    monkeypatch.setattr(build, "MODULES", folder.parent)
    monkeypatch.setenv("BRANDFARM_TOOLS", str(tmp_path / "cache"))
    monkeypatch.delenv("BRANDFARM_TINY", raising=False)
    return folder


def test_two_who_need_a_tool_at_once_build_it_once(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(build.binary("tiny"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(paths) == {build.cached("tiny")}
    assert paths[0].stat().st_mode & 0o100
    assert capsys.readouterr().err.count("building tiny once") == 1
    assert [left.name for left in paths[0].parent.iterdir() if left.name.startswith(".building")] == []


def test_a_failed_build_says_what_the_compiler_said_and_leaves_nothing(module: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    with pytest.raises(build.BuildFailed, match="undefined: missing"):
        build.binary("tiny")
    assert not build.cached("tiny").exists()


def test_other_pins_are_another_binary(module: Path) -> None:
    before = build.cached("tiny")
    (module / "go.mod").write_text((module / "go.mod").read_text() + "\n// pinned anew\n")
    assert build.cached("tiny") != before


def test_a_ready_binary_comes_first(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_TINY", "/bin/sh")
    assert build.binary("tiny") == Path("/bin/sh")
    monkeypatch.setenv("BRANDFARM_TINY", str(module / "main.go"))
    with pytest.raises(build.BuildFailed, match="not a program"):
        build.binary("tiny")


def test_a_tool_that_is_not_there_is_named(module: Path) -> None:
    with pytest.raises(build.BuildFailed, match="no tool called other"):
        build.binary("other")
