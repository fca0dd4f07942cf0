"""Servers are built once, from pinned modules, and a failed build says why."""

from __future__ import annotations

import subprocess
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
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
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


def test_ready_binaries_of_a_folder_come_before_building(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "/bin")
    assert build.binary("sh") == Path("/bin/sh")
    assert build.binary("tiny") == build.cached("tiny")


def test_a_tool_that_is_not_there_is_named_beside_those_that_are(module: Path) -> None:
    with pytest.raises(build.BuildFailed, match=r"no tool called other in .*; there are tiny"):
        build.binary("other")


def test_one_module_pins_several_tools_each_with_its_own_binary(module: Path) -> None:
    for name in ("hello", "bye"):
        (module / name).mkdir()
        (module / name / "main.go").write_text(f'package main\n\nfunc main() {{ println("{name}") }}\n')
    pins = "module example.com/tiny\n\ngo 1.24\n\ntool (\n\texample.com/tiny/bye\n\texample.com/tiny/hello\n)\n"
    (module / "go.mod").write_text(pins)
    assert [_said(build.binary(name)) for name in ("hello", "bye")] == ["hello", "bye"]
    assert build.cached("hello") != build.cached("bye")


def test_a_module_says_what_its_tools_are_told_when_they_are_linked(module: Path) -> None:
    (module / "main.go").write_text('package main\n\nvar version = "none"\n\nfunc main() { println(version) }\n')
    before = build.cached("tiny")
    (module / "go.mod").write_text("// link: -X main.version=v7\n" + (module / "go.mod").read_text())
    assert _said(build.binary("tiny")) == "v7"
    assert build.cached("tiny") != before


def test_a_full_disk_is_named_before_anything_is_built(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FREE_GIB", 1 << 30)
    with pytest.raises(build.BuildFailed, match=r"takes up to .* GiB of disk, and .* has .* GiB\. Make room there"):
        build.binary("tiny")
    assert [left.name for left in build.cached("tiny").parent.iterdir()] == [".lock"]


def test_several_tools_are_printed_a_line_each(
    module: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRANDFARM_TINY", "/bin/sh")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "/bin")
    monkeypatch.setattr("sys.argv", ["build", "tiny", "ls"])
    build.main()
    assert capsys.readouterr().out == "/bin/sh\n/bin/ls\n"


def _said(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr.strip()
