"""Writes a contact sheet as a folder that opens from disk: one page, its pictures, and the same as JSON. Reads no store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cli.sheet import about, document, files, folder, grid, page
from cli.sheet.data import SheetData
from cli.sheet.markup import Html, data_block, joined, tag
from cli.sheet.page import key_button

SCRIPTS = ("ground.js", "judge.js", "sheet.js", "viewer.js", "dock.js")

PAGE = "index.html"


def write(data: SheetData, to: Path) -> Path:
    """Writes the sheet's folder, in place of an earlier sheet, and returns the page to open.

    Raises FolderRefused where `to` holds something that is not a sheet, or cannot be written.
    """
    names = files.names(data)
    described = document.of(data, names)
    contents = {name: data.pictures[digest] for digest, name in names.items()}
    contents[PAGE] = html(data, names, described)
    contents[folder.MARK] = json.dumps(described, indent=1).encode()
    return folder.replace(Path(to), contents, document.SCHEMA) / PAGE


def html(data: SheetData, names: files.Names, described: object) -> bytes:
    """The page as bytes."""
    body = (
        about.masthead(data),
        _bar(data),
        about.missing(data),
        about.references(data, names),
        tag("main", grid.rows(data, names)),
        joined(about.version(data, one, names) for one in reversed(data.versions)),
        data_block("sheet", described),
    )
    return page.document(f"{data.project} · contact sheet", body, SCRIPTS)


def _bar(data: SheetData) -> Html:
    """What is shown and how; without scripts it stays away, and everything is shown."""
    return tag(
        "nav",
        tag("div", joined(_tabs(data)), class_="tabs", role="group", aria_label="Version"),
        tag(
            "div",
            key_button("Finish", "f", data_do="finish", aria_pressed="true"),
            key_button("Show base", "b", data_do="base", aria_pressed="false"),
            key_button("Ground", "g", data_do="ground"),
            key_button("Pixels", "p", data_do="pixels", aria_pressed="true"),
            key_button("Keys", "?", data_do="help"),
            class_="tools",
        ),
        class_="bar",
        aria_label="Sheet",
    )


def _tabs(data: SheetData) -> Iterator[Html]:
    for one in data.versions:
        mark = tag("span", about.standing(data, one).partition(" · ")[0], class_="quiet")
        yield tag("button", one.name, " ", mark, type="button", data_version=one.name, aria_pressed="false")
    if len(data.versions) > 1:
        yield tag("button", "All", type="button", data_version="all", aria_pressed="false")
