"""An export's folder: written beside its place, read back, and then renamed into it, whole or not at all."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from jobs.errors import ExportMismatch, FarmError
from jobs.identity import digest_of

MARK, SCHEMA = "PROOF.json", "brandfarm/export/1"


class ExportRefused(FarmError):
    """A folder that was named for an export holds something else, or cannot be written."""


def require_free(place: Path, force: bool) -> None:
    """Raises ExportRefused where something stands at the place that may not be replaced: with force, anything but an export."""
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_dir() or place.is_symlink():
        raise ExportRefused(f"{place} is not a folder.", hint="Name a new folder with --to.")
    if not any(place.iterdir()):
        return
    if not _is_export(place):
        raise ExportRefused(
            f"{place} holds something that is not an export, and it would be replaced.",
            hint="Name a new or an empty folder with --to.",
        )
    if not force:
        raise ExportRefused(
            f"{place} holds an earlier export.", hint="Name another folder, or replace it with --force."
        )


def put_in_place(place: Path, files: Mapping[str, bytes], digests: Mapping[str, str]) -> None:
    """Writes all files beside the place, reads them back, and renames. Raises ExportRefused, ExportMismatch."""
    unique = secrets.token_hex(4)
    writing, leaving = (place.with_name(f".{place.name}.{word}-{unique}") for word in ("writing", "leaving"))
    try:
        for name, data in files.items():
            write(writing / name, data)
        _require_same(writing, digests)
        _take_place(writing, place, leaving)
    except OSError as refused:
        raise ExportRefused(
            f"The export could not be written to {place}: {refused.strerror or refused}.",
            hint="Name a folder on a disk with room, where you may write; nothing was written.",
        ) from refused
    finally:
        shutil.rmtree(writing, ignore_errors=True)
    shutil.rmtree(leaving, ignore_errors=True)


def write(file: Path, data: bytes) -> None:
    """Writes one file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _is_export(place: Path) -> bool:
    try:
        found = json.loads((place / MARK).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("schema") == SCHEMA


def _require_same(writing: Path, digests: Mapping[str, str]) -> None:
    changed = [name for name, digest in digests.items() if digest_of((writing / name).read_bytes()) != digest]
    if changed:
        raise ExportMismatch(
            f"{len(changed)} of {len(digests)} files, read back, are not what was written, first {changed[0]}.",
            hint="Nothing was left behind. Look at the disk, or name a folder on another one.",
        )


def _take_place(writing: Path, place: Path, leaving: Path) -> None:
    if place.exists():
        place.rename(leaving)
    try:
        writing.rename(place)
    except OSError:
        if leaving.exists():
            leaving.rename(place)
        raise
