"""`brandfarm sheet` writes the sheet of a brand that the farm knows, and says what it could not show."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cluster.folder_store import FolderStore
from tests.cli.sheet.studio import Studio, lose
from tests.cli.terminal import Terminal
from tests.fakes.farm import FakeFarm


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    drawn = Studio(FolderStore(tmp_path / "store")).references("a stblsx sock on grass")
    drawn.version(1)
    return drawn


@pytest.fixture
def terminal(studio: Studio) -> Terminal:
    farm = FakeFarm(studio.store)
    farm.create(studio.document)
    farm.set_status("BrandProject", "default", "stable-socks", studio.document["status"])
    return Terminal(farm)


def test_a_sheet_is_a_folder_that_opens(terminal: Terminal, tmp_path: Path) -> None:
    shown = terminal.type("sheet", "stable-socks", "--to", str(tmp_path / "sheet"), "-o", "table", columns=300)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"sheet/stable-socks written to {tmp_path / 'sheet' / 'index.html'}\n")
    assert "stable-socks" in (tmp_path / "sheet" / "index.html").read_text()


def test_without_a_folder_it_is_named_for_the_brand(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert terminal.type("sheet", "stable-socks").code == 0
    assert (tmp_path / "stable-socks-sheet" / "index.html").exists()


def test_it_opens_in_the_browser_when_asked(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    terminal.type("sheet", "stable-socks", "--to", str(tmp_path / "sheet"), "--open")
    assert opened == [(tmp_path / "sheet" / "index.html").as_uri()]


def test_what_could_not_be_shown_is_said_aloud(terminal: Terminal, studio: Studio, tmp_path: Path) -> None:
    lose(studio.store, studio.keep(studio.version(2).shot(0).recipe))
    assert isinstance(terminal.farm, FakeFarm)
    terminal.farm.set_status("BrandProject", "default", "stable-socks", studio.document["status"])
    shown = terminal.type("sheet", "stable-socks", "--to", str(tmp_path / "sheet"))
    assert shown.code == 0
    assert shown.err.startswith("Warning: ")


@pytest.mark.parametrize("words", [("stable-socks", "--version", "v9"), ("rye-gin",)])
def test_what_is_not_there_is_not_found(words: tuple[str, ...], terminal: Terminal, tmp_path: Path) -> None:
    shown = terminal.type("sheet", *words, "--to", str(tmp_path / "sheet"))
    assert shown.code == 3
    assert not (tmp_path / "sheet").exists()


def test_a_folder_that_holds_something_else_is_left_alone(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo.png").write_bytes(b"precious")
    shown = terminal.type("sheet", "stable-socks", "--to", str(tmp_path / "precious"))
    assert shown.code == 1
    assert (tmp_path / "precious" / "photo.png").read_bytes() == b"precious"
