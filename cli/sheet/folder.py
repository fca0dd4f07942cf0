"""Writes a folder whole or not at all: beside its place first, then under its name. Replaces only what it knows as its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from jobs.errors import FarmError

MARK = "sheet.json"


class FolderRefused(FarmError):
    """A folder that was named for a sheet holds something else, or cannot be written."""


def replace(place: Path, files: Mapping[str, bytes], schema: str) -> Path:
    """Writes the files (relative path -> bytes) as the folder `place`; an earlier sheet there makes room.

    `files` must hold `sheet.json`, whose `schema` is the mark. Raises FolderRefused where something else stands there.
    """
    place = Path(os.path.abspath(place))
    _require_ours(place, schema)
    try:
        _write_beside(place, files)
    except OSError as refused:
        raise FolderRefused(
            f"The sheet could not be written to {place}: {refused.strerror or refused}.",
            hint="Name a folder on a disk with room, where you may write.",
        ) from refused
    return place


def _require_ours(place: Path, schema: str) -> None:
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_dir() or place.is_symlink():
        raise FolderRefused(f"{place} is not a folder.", hint="Name a new folder for the sheet.")
    if any(place.iterdir()) and _schema_of(place / MARK) != schema:
        raise FolderRefused(
            f"{place} holds something that is not a contact sheet, and it would be replaced.",
            hint="Name a new or an empty folder for the sheet, or an earlier sheet.",
        )


def _schema_of(mark: Path) -> str:
    """The schema that the folder's mark names; empty where there is no such mark."""
    try:
        found = json.loads(mark.read_bytes())
    except (OSError, ValueError):
        return ""
    return str(found.get("schema", "")) if isinstance(found, dict) else ""


def _write_beside(place: Path, files: Mapping[str, bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    unique = secrets.token_hex(4)
    writing, leaving = (place.with_name(f".{place.name}.{word}-{unique}") for word in ("writing", "leaving"))
    try:
        _write_files(writing, files)
        _take_place(writing, place, leaving)
        _keep_others(leaving, place)
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    shutil.rmtree(leaving, ignore_errors=True)


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _take_place(writing: Path, place: Path, leaving: Path) -> None:
    if place.exists():
        place.rename(leaving)
    try:
        writing.rename(place)
    except OSError:
        if leaving.exists():
            leaving.rename(place)
        raise


def _keep_others(leaving: Path, place: Path) -> None:
    """Moves over what a person laid beside the earlier sheet, such as exported verdicts."""
    for entry in leaving.iterdir() if leaving.exists() else ():
        if not (place / entry.name).exists():
            entry.rename(place / entry.name)
