"""Verbs where a context is named: which farm is meant, which namespace, and whose name; and that the page on Kubernetes is real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from cli import verbs
from cluster.folder_store import FolderStore
from jobs import manifests
from jobs.errors import FarmError
from tests import builders
from tests.cli import studio
from tests.cli.terminal import Terminal, written
from tests.fakes.farm import FakeFarm

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"


@pytest.fixture
def farm(tmp_path: Path) -> FakeFarm:
    farm = FakeFarm(FolderStore(tmp_path / "store"))
    studio.fill(farm)
    return farm


@pytest.fixture
def terminal(farm: FakeFarm) -> Terminal:
    return Terminal(farm)


def test_without_a_context_the_farm_is_this_machines(terminal: Terminal) -> None:
    terminal.type("status")
    assert terminal.contexts == []


@pytest.mark.parametrize("words", [("status",), ("why", "stable-socks"), ("campaign", "list"), ("base", "list")])
def test_a_context_is_named_on_the_line_or_in_the_environment(words: tuple[str, ...], terminal: Terminal) -> None:
    terminal.type(*words, "--context", "one", "--farm-namespace", "farms")
    terminal.type(*words, BRANDFARM_CONTEXT="two", BRANDFARM_FARM_NAMESPACE="farms/night")
    assert terminal.contexts == [("one", "farms"), ("two", "farms/night")]


def test_a_home_on_the_line_overrules_a_context_of_the_environment(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal.type("status", "--home", str(tmp_path), BRANDFARM_CONTEXT="two").code == 0
    assert terminal.contexts == []
    both = terminal.type("status", "--home", str(tmp_path), "--context", "one")
    assert (both.code, "Say either --home" in both.err) == (2, True)


@pytest.mark.parametrize("words", [("up",), ("down",), ("demo",)])
def test_what_is_of_one_machine_says_so(words: tuple[str, ...], terminal: Terminal) -> None:
    shown = terminal.type(*words, "--context", "one", columns=200)
    assert shown.code == 2
    assert f"`brandfarm {words[0]}` is of this machine only" in " ".join(shown.err.split())
    assert "helm upgrade --install brandfarm" in shown.err


@pytest.mark.parametrize("verb", ["up", "down"])
def test_a_context_of_the_environment_forbids_it_too(verb: str, terminal: Terminal) -> None:
    assert "unset BRANDFARM_CONTEXT" in " ".join(terminal.type(verb, columns=200, BRANDFARM_CONTEXT="one").err.split())


def test_a_namespace_that_nobody_names_is_the_contexts_own(terminal: Terminal, farm: FakeFarm, tmp_path: Path) -> None:
    farm.create(builders.project("rye-gin", "studio-a"))
    farm.usual = "studio-a"
    assert terminal.type("get", "brands", "-o", "name", "--context", "one").out == "brandproject/rye-gin\n"
    everywhere = terminal.type("get", "brands", "-A", "-o", "name", "--context", "one").out.split()
    assert everywhere == ["brandproject/olive-oil", "brandproject/stable-socks", "brandproject/rye-gin"]
    nowhere = builders.project("grappa")
    del nowhere["metadata"]["namespace"]
    file = written(tmp_path, "brands.yaml", [nowhere, builders.project("mugs", "studio-b")])
    assert terminal.type("apply", "-f", file, "--context", "one").code == 0
    assert farm.document("BrandProject", "studio-a", "grappa")
    assert farm.document("BrandProject", "studio-b", "mugs")
    assert terminal.type("delete", "brand", "grappa", "--yes", "--context", "one").code == 0


def test_a_review_is_signed_with_the_name_that_the_cluster_knows(terminal: Terminal, farm: FakeFarm) -> None:
    farm.known_as = "oidc:lead@studio.example"
    terminal.type("approve", "olive-oil", "--context", "one")
    assert farm.documents("Review")[0]["spec"]["by"] == "oidc:lead@studio.example"


def test_every_manifest_of_the_page_is_accepted() -> None:
    found = [manifests.parse(YAML(typ="safe").load(text)) for text in _blocks("yaml")]
    assert [one.kind for one in found] == ["BrandProject", "Review", "Campaign"]


def test_every_brandfarm_line_of_the_page_is_one_that_the_verbs_take() -> None:
    lines = [
        line for text in (*_blocks("sh"), *re.findall(r"`([^`]+)`", PAGE.read_text())) for line in text.splitlines()
    ]
    matched = (re.match(r"(?:BRANDFARM_\w+=\S+ )?(brandfarm [a-z]+ .+)", line) for line in lines)
    typed = [found[1] for found in matched if found]
    assert len(typed) > 10
    for line in typed:
        _require_understood(shlex.split(line)[1:])


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


def _require_understood(words: list[str]) -> None:
    command: click.Command = verbs.load(words.pop(0))
    if isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    try:
        command.make_context(command.name, list(words))
    except (click.UsageError, FarmError) as odd:
        raise AssertionError(f"brandfarm {command.name} {' '.join(words)}: {odd}") from odd
