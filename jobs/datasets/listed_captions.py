"""Captions listed in `metadata.jsonl`, as Hugging Face's imagefolder has them: one JSON object a line. Reads no picture.

A line is {"file_name": "a.png", "text": "..."}; file_name is below the folder of the metadata.jsonl itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from jobs.errors import DatasetInvalid
from jobs.ports import Source, SourceFile

NAME = "metadata.jsonl"
LARGEST_BYTES = 32 * 2**20
TEXT_FIELDS = ("text", "caption")
"""What datasets call a caption; the first that a line has is read."""


@dataclass(frozen=True)
class ListedCaption:
    """A caption and where it was read: the path of the file and its line, counted from 1."""

    text: str
    where: str


def is_listing(name: str) -> bool:
    """Whether a file of a source lists captions."""
    return PurePosixPath(name).name == NAME


def read(source: Source, files: Iterable[SourceFile]) -> dict[str, ListedCaption]:
    """By the picture's name in the source, the caption that a metadata.jsonl gives it.

    Raises DatasetInvalid, naming file and line, for what is no such line or names a picture twice; SourceUnreadable.
    """
    found: dict[str, ListedCaption] = {}
    for file in files:
        if is_listing(file.name):
            _require_small(file)
            for picture, caption in _lines(file.name, source.read(file.name)):
                if picture in found:
                    raise _unreadable(caption.where, f"{picture} again, after {found[picture].where}")
                found[picture] = caption
    return found


def missing(listed: dict[str, ListedCaption], names: Iterable[str]) -> list[tuple[str, str]]:
    """Pictures that a line names and that are not there, each with why it is set aside."""
    there = set(names)
    return [
        (name, f"{caption.where} names it, and it is not there")
        for name, caption in listed.items()
        if name not in there
    ]


def _lines(name: str, data: bytes) -> Iterator[tuple[str, ListedCaption]]:
    folder = PurePosixPath(name).parent
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            where = f"{name} line {number}"
            file_name, text = _fields(where, line)
            yield (folder / file_name).as_posix(), ListedCaption(text, where)


def _fields(where: str, line: bytes) -> tuple[str, str]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except ValueError as wrong:
        raise _unreadable(where, f"no JSON ({wrong})") from wrong
    if not isinstance(row, dict):
        raise _unreadable(where, "JSON that is no object")
    if not isinstance(row.get("file_name"), str):
        raise _unreadable(where, "no file_name")
    text = next((row[field] for field in TEXT_FIELDS if field in row), None)
    if not isinstance(text, str):
        raise _unreadable(where, "no text")
    return row["file_name"], text


def _require_small(file: SourceFile) -> None:
    if file.size > LARGEST_BYTES:
        raise DatasetInvalid(
            f"{file.name} has {file.size:,} bytes; at most {LARGEST_BYTES:,} are read.",
            hint="Keep one line for each picture, with its file_name and text only.",
        )


def _unreadable(where: str, found: str) -> DatasetInvalid:
    return DatasetInvalid(
        f"{where} holds {found}.",
        hint='Write one object on each line, such as {"file_name": "a.png", "text": "a photo of ..."}, each picture once.',
    )
