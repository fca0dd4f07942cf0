"""A shell completes verbs, options and names; without a farm it is silent, and names cost no heavy module."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click
import pytest

from cli import completing, verbs
from cli.local_farm import LocalFarm
from cli.main import brandfarm
from cluster.folder_store import FolderStore
from tests import builders
from tests.cli.terminal import Terminal
from tests.cli.test_start import HEAVY
from tests.fakes.farm import FakeFarm

BRANDS = ("oat-bar", "stable-socks")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("farm")
    farm = LocalFarm(root)
    for name in BRANDS:
        farm.create(builders.project(name))
    farm.create(builders.campaign("spring"))
    (root / "store" / "catalogue" / "sdxl-house").mkdir(parents=True)
    return root


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(FakeFarm(FolderStore(tmp_path / "store")))


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_HOME", str(home))


def offered(words: str) -> list[str]:
    """What may stand in place of the last word, which may be empty."""
    *before, last = words.split(" ")
    return [str(one.value) for one in completing.of_verb(brandfarm, before, last)]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("approve ", list(BRANDS)),
        ("approve st", ["stable-socks"]),
        ("why ", [*BRANDS, "campaign/spring"]),
        ("get c", ["campaign"]),
        ("get brandproject o", ["oat-bar"]),
        ("delete campaign/s", ["campaign/spring"]),
        ("campaign pull ", ["spring"]),
        ("base show s", ["sdxl-house"]),
        ("vers", ["versions"]),
        ("xyzzy x", []),
    ],
)
@pytest.mark.usefixtures("at_home")
def test_words_are_completed(words: str, names: list[str]) -> None:
    assert offered(words) == names


def test_names_cost_no_heavy_module(home: Path) -> None:
    script = (
        "import sys\n"
        "from cli.main import main\n"
        "try: main()\n"
        f"finally: sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    asked = {"_BRANDFARM_COMPLETE": "zsh_complete", "COMP_WORDS": "brandfarm approve st", "COMP_CWORD": "2"}
    environment = {**os.environ, **asked, "BRANDFARM_HOME": str(home)}
    ended = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (ended.stdout.split()[1], ended.stderr) == ("stable-socks", "")


@pytest.mark.usefixtures("at_home")
def test_options_are_completed_and_names_behind_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"--note", "--home", "--namespace"} <= set(offered("approve --"))
    assert offered("status -o j") == ["json"]
    assert offered("versions -n d") == ["default"]
    assert set(offered("campaign ")) >= {"pull", "rerun"}
    monkeypatch.delenv("BRANDFARM_HOME")
    assert offered(f"approve --home {home} st") == ["stable-socks"]


def test_versions_are_those_of_the_brand_that_was_named(home: Path, tmp_path: Path) -> None:
    farm = LocalFarm(tmp_path)
    kept = farm.create(builders.project("stable-socks"))
    status = {"versions": [{"version": "v1"}, {"version": "v2"}]}
    with closing(sqlite3.connect(tmp_path / "farm.sqlite")) as database, database:
        database.execute("UPDATE documents SET json = ?", (json.dumps({**kept, "status": status}),))
    assert [one.value for one in completing.offered("promote", ["stable-socks"], "v", tmp_path)] == ["v1", "v2"]
    assert completing.offered("promote", ["oat-bar"], "v", home) == []


@pytest.mark.parametrize("broken", ["absent", "no database"])
def test_without_a_farm_nothing_is_offered(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDFARM_HOME", str(tmp_path))
    if broken == "no database":
        (tmp_path / "farm.sqlite").write_text("these are no manifests")
    assert (offered("approve "), offered("base show x")) == ([], [])
    assert not (tmp_path / "store").exists()


def test_each_word_that_is_offered_has_a_place() -> None:
    commands = dict(_all(brandfarm.commands))
    for name, offers in completing.OFFERS.items():
        places = [one for one in commands[name].params if isinstance(one, click.Argument)]
        assert 0 < len(offers) <= len(places), name
    assert {name for name in brandfarm.commands if isinstance(verbs.load(name), click.Group)} == completing.GROUPS


def _all(listed: Mapping[str, click.Command]) -> list[tuple[str, click.Command]]:
    loaded = [(name, verbs.load(name)) for name in listed]
    below = [pair for _, one in loaded if isinstance(one, click.Group) for pair in one.commands.items()]
    return [*below, *loaded]


def test_a_real_bash_completes_with_the_script(home: Path, tmp_path: Path) -> None:
    command = tmp_path / "brandfarm"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n')
    command.chmod(0o755)
    script = """
    compopt() { :; }
    source <(brandfarm completion bash)
    COMP_WORDS=(brandfarm approve st); COMP_CWORD=2
    _brandfarm_completion brandfarm
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    given = {**os.environ, "BRANDFARM_HOME": str(home), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "--norc", "-c", script], env=given, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("stable-socks\n", "")


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/brandfarm"),
        ("zsh", ".zfunc/_brandfarm"),
        ("fish", ".config/fish/completions/brandfarm.fish"),
    ],
)
def test_the_script_is_shown_or_put_where_the_shell_looks(
    shell: str, place: str, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    shown = terminal.type("completion", shell)
    assert shown.code == 0
    assert f"_BRANDFARM_COMPLETE={shell}_complete" in shown.out
    installed = terminal.type("completion", shell, "--install")
    assert (installed.code, installed.out) == (0, "")
    assert str(tmp_path / place) in installed.err
    assert (tmp_path / place).read_text() == shown.out
