"""Uploads a person's folder into the store, file by file, each under its digest. Knows no picture from another file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from jobs import blobs
from jobs.errors import SourceUnreadable
from jobs.ports import ObjectStore

UPLOAD = "upload://"
MOST_FILES = 20_000  # what an intake reads at most
LARGEST_FILE_BYTES = 256 * 2**20  # four times the largest picture that an intake takes

Progress = Callable[[int, int], None]
"""Told of files: so many of so many are there."""


class UploadedFile(BaseModel):
    """A file of an uploaded folder: its path below the folder, its bytes' count, their digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    size: int = Field(ge=0)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


class UploadListing(BaseModel):
    """The blob that an `upload://<digest>` address names."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    files: tuple[UploadedFile, ...]


def write_upload(store: ObjectStore, folder: Path, progress: Progress | None = None) -> str:
    """Uploads a folder's files and returns their `upload://<digest>` address; the same files give the same address.

    Begun again after a break, it sends only what is missing. Nested folders are kept, hidden files left out.
    Raises SourceUnreadable for a folder that is missing or empty, or holds what is no file of its own.
    """
    paths = _files_below(folder)
    files = []
    for number, path in enumerate(paths):
        _tell(progress, number, len(paths))
        files.append(_uploaded(store, folder, path))
    address = UPLOAD + blobs.put_json(store, UploadListing(files=tuple(files)).model_dump(mode="json"))
    _tell(progress, len(paths), len(paths))
    return address


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _uploaded(store: ObjectStore, folder: Path, path: Path) -> UploadedFile:
    try:
        _require_size(path, path.stat().st_size)
        data = path.read_bytes()
    except OSError as refused:
        raise SourceUnreadable(
            f"{path} cannot be read: {refused.strerror}.", hint="Make it readable, or move it out of the folder."
        ) from refused
    return UploadedFile(name=path.relative_to(folder).as_posix(), size=len(data), digest=blobs.put(store, data))


def _require_size(path: Path, size: int) -> None:
    if size > LARGEST_FILE_BYTES:
        raise SourceUnreadable(
            f"{path} has {size:,} bytes; at most {LARGEST_FILE_BYTES:,} are uploaded.",
            hint="Is it a picture? Move it out of the folder.",
        )


def _files_below(folder: Path) -> list[Path]:
    """The folder's files, sorted by their names in the listing."""
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise SourceUnreadable(f"{folder} {found}.", hint="Name the folder that holds the pictures.")
    found_files = list(itertools.islice(_walked(folder, folder.resolve()), MOST_FILES + 1))
    if not found_files:
        raise SourceUnreadable(
            f"There are no files in {folder}.", hint="Put pictures into it, each with a .txt caption."
        )
    if len(found_files) > MOST_FILES:
        raise SourceUnreadable(
            f"There are more than {MOST_FILES:,} files in {folder}.",
            hint="Name the folder of this brand's pictures only.",
        )
    return sorted(found_files, key=lambda path: path.relative_to(folder).as_posix())


def _walked(folder: Path, inside: Path) -> Iterator[Path]:
    """Files below a folder. A link to a folder within is passed over: what it leads to is found under its own name."""
    for path in _entries(folder):
        if path.is_symlink():
            _require_target_inside(path, inside)
        if path.is_dir() and not path.is_symlink():
            yield from _walked(path, inside)
        elif path.is_file():
            yield path
        elif not path.is_dir():
            raise SourceUnreadable(f"{path} is neither a file nor a folder.", hint="Move it out of the folder.")


def _entries(folder: Path) -> list[Path]:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as refused:
        raise SourceUnreadable(
            f"{folder} cannot be listed: {refused.strerror}.", hint="Make it readable, or move it away."
        ) from refused
    return [folder / _required_name(folder, name) for name in names]


def _required_name(folder: Path, name: str) -> str:
    """A name that a listing can hold: text, and no backslash, which another system would take for a folder's end."""
    try:
        name.encode()
    except UnicodeEncodeError as odd:
        raise _unfit_name(folder, name) from odd
    if "\\" in name:
        raise _unfit_name(folder, name)
    return name


def _unfit_name(folder: Path, name: str) -> SourceUnreadable:
    return SourceUnreadable(f"{folder} holds {name!r}, whose name cannot be kept.", hint="Rename it.")


def _require_target_inside(link: Path, inside: Path) -> None:
    """A link may stay within the folder; what it leads to elsewhere was not offered for upload."""
    target = link.resolve()
    if not target.exists() or not target.is_relative_to(inside):
        found = "nothing" if not target.exists() else "a place outside the folder"
        raise SourceUnreadable(
            f"{link} is a link to {found} ({target}).", hint="Put the file itself into the folder, or remove the link."
        )
