"""Foundation models at the terminal: added, listed, and held to their licences where a brand asks for them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.local_farm import LocalFarm
from cluster.folder_store import FolderStore
from tests import builders, models
from tests.cli.terminal import Terminal, lines, written
from tests.fakes.farm import FakeFarm

OPEN = ("--licence", "MIT", "--commercial")
CLOSED = ("--licence", "CC-BY-NC-4.0", "--no-commercial")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(FakeFarm(FolderStore(tmp_path / "store")))


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(models.write(tmp_path / "ink"))


def brand(folder: Path, **base: str) -> str:
    return written(folder, "brand.yaml", [builders.project(base=base)])


def test_an_added_base_says_how_brands_take_it(terminal: Terminal, model: str) -> None:
    shown = terminal.type("base", "add", model, "--name", "ink", *CLOSED, "-o", "table", columns=120)
    assert shown.code == 0
    assert re.fullmatch(
        r"base/ink added\n  sd15 at 64 px, 8\.\d KB, digest [0-9a-f]{12}\. Brands take it with spec\.base\.name: ink and "
        r"acceptLicence: CC-BY-NC-4\.0\.",
        " \n".join(lines(shown.out)).replace(" \nacceptLicence", " acceptLicence").replace(" \n", "\n").strip(),
    ), shown.out


def test_bases_are_listed_with_the_brands_that_name_them(terminal: Terminal, model: str, tmp_path: Path) -> None:
    terminal.type("base", "add", model, "--name", "ink", *CLOSED, "--description", "Drawings.")
    terminal.type("apply", "-f", brand(tmp_path, name="ink", acceptLicence="CC-BY-NC-4.0"))
    screen = lines(terminal.type("base", "list", "-o", "table", columns=120).out)
    assert [line.split()[:6] for line in screen if not line.startswith("  ")] == [
        ["NAME", "FAMILY", "PIXELS", "LICENCE", "COMMERCIAL", "SIZE"],
        ["tiny", "sd15", "64", "Apache-2.0", "yes", "9.5"],
        ["ink", "sd15", "64", "CC-BY-NC-4.0", "no", screen[3].split()[5]],
    ]
    assert screen[3].endswith("default/stable-socks")
    assert screen[4] == "  Drawings."
    told = json.loads(terminal.type("base", "list", "-o", "json").out)
    assert [(one["name"], one["commercial"], one["brands"]) for one in told] == [
        ("tiny", True, []),
        ("ink", False, ["default/stable-socks"]),
    ]


def test_one_base_shows_its_files_and_what_its_name_meant_before(terminal: Terminal, model: str) -> None:
    terminal.type("base", "add", model, "--name", "ink", *OPEN)
    terminal.type("base", "add", model, "--name", "ink", *CLOSED, "--replace")
    told = json.loads(terminal.type("base", "show", "ink", "-o", "json").out)
    assert (told["licence"], [one["licence"] for one in told["before"]]) == ("CC-BY-NC-4.0", ["MIT"])
    assert set(told["files"]) == set(models.files()) - {"provenance.json"}
    missing = terminal.type("base", "show", "onk")
    assert (missing.code, "Did you mean ink?" in missing.err) == (3, True)


def test_what_cannot_be_added_exits_with_2_and_a_next_step(terminal: Terminal, model: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, said in (
        ((model, "--name", "ink", "--licence", "MIT"), "Say --commercial or --no-commercial"),
        (
            (model, "--name", "ink", "--licence", "CC-BY-NC-4.0", "--commercial"),
            "forbids commercial use by its own name",
        ),
        (("org/ink", "--name", "ink", *OPEN), "must be named at a commit"),
        (("org/ink", "--name", "ink", *OPEN, "--revision", "main"), "'main' is a branch"),
        (("./nowhere", "--name", "ink", *OPEN), "is no folder of this machine"),
        ((str(tmp_path / "empty"), "--name", "ink", *OPEN), "The folder empty is not a base model"),
        (("s3://models/ink", "--name", "ink", *OPEN), "this farm keeps its store in a folder"),
    ):
        shown = terminal.type("base", "add", *words)
        assert (shown.code, said in shown.err) == (2, True), shown.err
    assert terminal.type("base", "add", model, "--name", "tiny", *OPEN, "--replace").code == 1


def test_a_brand_on_a_forbidding_licence_is_refused_at_its_line(terminal: Terminal, model: str, tmp_path: Path) -> None:
    terminal.type("base", "add", model, "--name", "ink", *CLOSED)
    for verb in ("plan", "apply"):
        shown = terminal.type(verb, "-f", brand(tmp_path, name="ink"))
        assert shown.code == 2
        assert re.search(
            r"brand\.yaml:1:\d+: spec\.base\.name: found 'ink', whose licence CC-BY-NC-4\.0 forbids commercial use; "
            r"write another base; or acceptLicence: CC-BY-NC-4\.0, if this brand is never used commercially, beside it\.",
            shown.err,
        ), shown.err
        other = terminal.type(verb, "-f", brand(tmp_path, name="ink", acceptLicence="MIT"))
        assert "spec.base.acceptLicence: found 'MIT', and the licence of ink is CC-BY-NC-4.0" in other.err
    assert terminal.type("apply", "-f", brand(tmp_path, name="ink", acceptLicence="CC-BY-NC-4.0")).code == 0


def test_accepting_a_licence_trains_nothing_anew(terminal: Terminal, tmp_path: Path) -> None:
    terminal.type("apply", "-f", brand(tmp_path, name="tiny"))
    accepted = terminal.type("plan", "-f", brand(tmp_path, name="tiny", acceptLicence="CC-BY-NC-4.0"), "-o", "json")
    assert [one["steps"] for one in json.loads(accepted.out)] == [0]


def test_looking_at_the_catalogue_makes_no_farm(tmp_path: Path, model: str) -> None:
    terminal = Terminal(LocalFarm(tmp_path / "farm"))
    assert terminal.type("base", "list", "-o", "name").out == "base/tiny\n"
    assert not (tmp_path / "farm").exists()
    assert terminal.type("base", "add", model, "--name", "ink", *OPEN).code == 0
    assert terminal.type("base", "list", "-o", "name").out == "base/tiny\nbase/ink\n"
    assert not (tmp_path / "farm" / "staging").exists() or not list((tmp_path / "farm" / "staging").iterdir())
