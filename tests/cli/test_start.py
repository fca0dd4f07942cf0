"""The command line starts light, knows its verbs, and guesses at mistyped ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli import verbs
from cli.local_farm import LocalFarm
from cli.main import VERBS, brandfarm
from cluster.folder_store import FolderStore
from tests import builders
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm

HEAVY = ("torch", "ray", "minio", "kubernetes", "pydantic", "httpx", "ruamel", "numpy", "PIL", "psutil")
SENTENCES = {name: sentence for listed in VERBS.values() for name, sentence in listed}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(FakeFarm(FolderStore(tmp_path / "store")))


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, contextlib\n"
        "sys.argv = ['brandfarm', '--help']\n"
        "from cli.main import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "verbs = [name for name in sys.modules if name.startswith('cli.commands.')]\n"
        "sys.exit(f'{heavy} {verbs}' if heavy or verbs else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", list(SENTENCES))
def test_every_verb_says_its_sentence_and_shows_examples(name: str, terminal: Terminal) -> None:
    command = verbs.load(name)
    assert command.help is not None
    assert command.help.startswith(SENTENCES[name])
    shown = terminal.type(name, "--help", columns=200)
    assert shown.code == 0
    assert f"Examples:\n  brandfarm {name}" in shown.out


@pytest.mark.parametrize("name", list(SENTENCES))
def test_every_option_and_argument_is_explained(name: str) -> None:
    command = verbs.load(name)
    commands = command.commands.values() if isinstance(command, click.Group) else [command]
    options = [one for verb in commands for one in verb.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help and not one.hidden] == []


def test_the_verbs_are_listed_in_their_order() -> None:
    assert list(brandfarm.commands) == list(SENTENCES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("staus",), "There is no verb 'staus'. Did you mean status?"),
        (("xyzzy",), "There is no verb 'xyzzy'."),
        (("campaign", "pul", "x"), "There is no verb 'pul'. Did you mean pull?"),
        (("status", "--wach"), "--watch"),
        (("status", "-o", "xml"), "'xml' is not one of"),
        (("approve",), "Missing argument 'PROJECT'"),
        (("get", "campain"), "There is no kind 'campain'. Did you mean campaign?"),
        (("delete", "spring", "--yes"), "Say of which kind, such as campaign/spring."),
        (("critique", "stable-socks", "v1"), "Say what is wrong: --tag, --note, or both."),
        (("wait", "stable-socks", "--timeout", "soon"), "Write 90s, 10m or 6h."),
    ],
)
def test_words_that_make_no_sense_exit_with_2(words: tuple[str, ...], said: str, terminal: Terminal) -> None:
    terminal.farm.create(builders.project())
    shown = terminal.type(*words, columns=200)
    assert (shown.code, shown.out) == (2, "")
    assert said in shown.err


def test_the_version_is_told() -> None:
    ended = subprocess.run([sys.executable, "-m", "cli", "--version"], capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("brandfarm ")


def _piped(script: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "BRANDFARM_HOME": str(home), "BRANDFARM": f"{sys.executable} -m cli", **env}
    return subprocess.run(["bash", "-c", script], env=given, capture_output=True, text=True, check=False)


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    ended = _piped("$BRANDFARM --help | head -1; exit ${PIPESTATUS[0]}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_terminal_without_the_signs_gets_question_marks(tmp_path: Path) -> None:
    LocalFarm(tmp_path).create(builders.campaign())
    told = _piped("$BRANDFARM status -o table", tmp_path, PYTHONIOENCODING="ascii")
    assert told.returncode == 0
    assert "???????????? 0/20" in told.stdout
