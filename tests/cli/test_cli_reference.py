"""The committed page of verbs is the one that the commands write, and every verb has words, examples and explained options."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli import cli_reference
from cli.problems import Exit

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
VERBS = {" ".join(words): command for words, command in cli_reference.commands()}


def test_the_committed_page_is_what_the_commands_say() -> None:
    page = cli_reference.reference()
    assert COMMITTED.read_text(encoding="utf-8") == page, "run: python -m cli.cli_reference"
    assert [name for name in VERBS if f"### brandfarm {name}\n" not in page] == []


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_a_sentence_examples_of_its_own_and_explained_options(name: str) -> None:
    command = VERBS[name]
    assert (command.help or "").split("\n")[0].endswith("."), "its first line is a sentence"
    examples = (command.epilog or "").strip().splitlines()
    assert any(f"brandfarm {name}" in line for line in examples)
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert [one.name for one in options if not one.help] == []


def test_an_option_is_told_with_what_it_takes_and_its_default() -> None:
    page = cli_reference.reference()
    forms = "`table`, `wide`, `tsv`, `json`, `yaml`, `name`"
    assert f"| `-o`, `--output` | {forms} |  | The form of the answer." in page
    assert "| `--cpus` | a number from 1 |  | CPUs that the farm may use." in page
    assert "| `--grace` | a span of time, such as `7d` | `7d` |" in page
    assert "```text\nbrandfarm campaign pull [OPTIONS] NAME\n```" in page
    assert "access-key" not in page


def test_each_exit_code_is_explained() -> None:
    page = cli_reference.reference()
    assert [code for code in Exit if f"| {code.value} | " not in page] == []


def test_the_page_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    cli_reference.main([str(tmp_path / "docs" / "cli.md")])
    assert (tmp_path / "docs" / "cli.md").read_text(encoding="utf-8") == cli_reference.reference()
