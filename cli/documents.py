"""Manifests from YAML files: every mistake of every file at once, each with file, line, column, field and what to write.

Refuses to know the farm: what is read here has not been asked of anybody.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cli.yaml_values import Place, Reading, read_documents
from jobs import manifests
from jobs.errors import ManifestInvalid, NotFound
from jobs.manifests.problems import field_name

LARGEST_FILE_BYTES = 1 << 20
MOST_SHOWN = 50  # of the problems, in the message; all are in `problems`
STDIN = "-"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a file; line and column are counted from 1, field is a path such as spec.recipe.rank."""

    file: str
    line: int
    column: int
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}:{self.column}: {field}found {self.found}; write {self.expected}."


class DocumentsInvalid(ManifestInvalid):
    """Files that hold something that the farm cannot accept; `problems` says everything that is wrong with them."""

    def __init__(self, problems: Iterable[Problem], hint: str = "") -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            lines.append(f"... and {len(self.problems) - MOST_SHOWN} more.")
        super().__init__("\n".join(lines), hint=hint or "Nothing was applied. Correct these places and try again.")

    @property
    def reason(self) -> str:
        """ManifestInvalid, wherever it was written."""
        return ManifestInvalid.__name__


@dataclass(frozen=True)
class Document:
    """A manifest and where it was written: the model, the document as written, its file, its first line, its values' places."""

    model: manifests.AnyManifest
    raw: dict[str, Any]
    file: str
    line: int
    places: Mapping[tuple[str | int, ...], Place] = field(default_factory=dict)

    def problem(self, path: tuple[str | int, ...], found: str, expected: str) -> Problem:
        """Something wrong with a value that could not be known from the text alone, at its own place or the nearest around it."""
        around = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self.places), path)
        place = self.places.get(around, Place(self.line, 1))
        return Problem(self.file, place.line, place.column, field_name(path), found, expected)


@dataclass(frozen=True)
class _Found:
    """A document that could be read, and where its values stand."""

    document: Document
    reading: Reading


def read_manifests(paths: str | Path | Iterable[str | Path], *, stdin: IO[bytes] | None = None) -> list[Document]:
    """The manifests of files, folders (their *.yaml and *.yml) and `-` (standard input), in that order.

    Raises ManifestInvalid with `problems` for all that is wrong in all of them, and NotFound for a path that is not there.
    """
    problems: list[Problem] = []
    found: list[_Found] = []
    for path in [paths] if isinstance(paths, str | Path) else paths:
        for file in _files(path):
            _read_file(file, stdin, found, problems)
    problems += _written_twice(found)
    if problems:
        raise DocumentsInvalid(problems)
    return [item.document for item in found]


def _files(path: str | Path) -> list[str]:
    place = Path(path)
    if str(path) == STDIN or place.is_file():
        return [str(path)]
    if not place.is_dir():
        raise NotFound(
            f"There is no file or folder {path}.",
            hint="Name a manifest, a folder of them, or - to read them from a pipe.",
        )
    files = sorted(str(file) for file in place.iterdir() if file.suffix in {".yaml", ".yml"} and file.is_file())
    if not files:
        raise NotFound(
            f"The folder {path} holds no *.yaml files.", hint="Folders inside it are not searched; name them too."
        )
    return files


def _read_file(file: str, stdin: IO[bytes] | None, found: list[_Found], problems: list[Problem]) -> None:
    name = "<stdin>" if file == STDIN else file
    text, unreadable = _text(name, _bytes(file, stdin))
    if unreadable is not None:
        problems.append(unreadable)
        return
    readings = list(read_documents(text))
    if not readings:
        problems.append(Problem(name, 1, 1, "", "no manifest", "a document with apiVersion, kind, metadata and spec"))
    for reading in readings:
        try:
            found.append(_Found(_document(name, reading), reading))
        except DocumentsInvalid as error:
            problems.extend(error.problems)


def _bytes(file: str, stdin: IO[bytes] | None) -> bytes:
    """At most one byte more than is allowed."""
    if file == STDIN:
        return (stdin or sys.stdin.buffer).read(LARGEST_FILE_BYTES + 1)
    try:
        with open(file, "rb") as stream:
            return stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        hint = "Check who may read the file."
        raise ManifestInvalid(f"{file} cannot be read: {error.strerror}.", hint=hint) from error


def _text(name: str, data: bytes) -> tuple[str, Problem | None]:
    if len(data) > LARGEST_FILE_BYTES:
        return "", Problem(name, 1, 1, "", "more than 1 MiB", "manifests alone; split them over several files")
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        return "", Problem(name, line, column, "", f"the byte 0x{data[error.start]:02x}", "text in UTF-8")


def _document(file: str, reading: Reading) -> Document:
    """The document, if nothing is wrong with it; raises DocumentsInvalid with all that is."""
    problems = [
        Problem(
            file, trouble.place.line, trouble.place.column, field_name(trouble.path), trouble.found, trouble.expected
        )
        for trouble in reading.troubles
    ]
    told = {trouble.path for trouble in reading.troubles}
    if reading.value is None:
        raise DocumentsInvalid(problems)
    try:
        model = manifests.parse(reading.value)
    except manifests.ManifestProblems as error:
        problems += [_placed(file, reading, problem) for problem in error.problems if problem.path not in told]
    if problems:
        raise DocumentsInvalid(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return Document(model, reading.value, file, reading.place.line, reading.values)


def _placed(file: str, reading: Reading, problem: manifests.FieldProblem) -> Problem:
    place = _place(reading, problem)
    return Problem(file, place.line, place.column, problem.field, problem.found, problem.expected)


def _place(reading: Reading, problem: manifests.FieldProblem) -> Place:
    """Where the field stands; where it is missing, the nearest part around it that is there."""
    path = problem.path
    if path in reading.values:
        return reading.keys[path] if problem.at_key else reading.values[path]
    while path and path not in reading.values:
        path = path[:-1]
    return reading.keys.get(path) or reading.values.get(path) or reading.place


def _written_twice(found: Iterable[_Found]) -> Iterator[Problem]:
    """A problem for each manifest whose kind and name another one of the same reading has."""
    first: dict[tuple[str, str], Document] = {}
    for item in found:
        document = item.document
        name = (document.model.kind, document.model.title)
        if document.model.metadata.name is not None and name in first:
            other = first[name]
            place = item.reading.values["metadata", "name"]
            words = f"{name[0]} {name[1]} a second time, as in {other.file}:{other.line}"
            yield Problem(document.file, place.line, place.column, "metadata.name", words, "another name")
        first.setdefault(name, document)
