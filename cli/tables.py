"""The colour tables that a brand's finish names as files of this machine: read and kept in the store, their address written instead."""

from __future__ import annotations

from pathlib import Path

from cli.documents import Document as Read
from cli.documents import DocumentsInvalid, Problem
from cli.farm import Document
from jobs import blobs, cube
from jobs.errors import RecipeInvalid
from jobs.finish_steps import LUT_ADDRESS
from jobs.manifests import BrandProject
from jobs.ports import ObjectStore

Tables = dict[int, bytes]
"""By the step's place in the finish, the bytes of its file."""


def read_tables(read: Read, beside: Path) -> Tables:
    """The tables that a document names as files; relative ones are `beside` it.

    Raises DocumentsInvalid at the step's own place where a file is not there or is no 3D LUT.
    """
    if not isinstance(read.model, BrandProject):
        return {}
    sources = {
        place: step.lut.source for place, step in enumerate(read.model.spec.finish) if step.lut and not step.lut.digest
    }
    return {place: _read(read, place, beside / Path(source).expanduser()) for place, source in sources.items()}


def keep_tables(store: ObjectStore, document: Document, tables: Tables) -> Document:
    """The document with the files' addresses in the store in their places. Raises StoreUnavailable."""
    finish = list(document["spec"]["finish"])
    for place, data in tables.items():
        table = finish[place]["lut"] | {"source": LUT_ADDRESS + blobs.put(store, data)}
        finish[place] = finish[place] | {"lut": table}
    return document | {"spec": document["spec"] | {"finish": finish}}


def _read(read: Read, place: int, path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > cube.LARGEST_BYTES:
            raise _unfit(read, place, f"{path}, {size:,} bytes", f"a file of at most {cube.LARGEST_BYTES:,}")
        data = path.read_bytes()
    except OSError as refused:
        raise _unfit(read, place, f"{path}: {refused.strerror}", "a .cube file that can be read") from refused
    try:
        cube.parse(data, str(path))
    except RecipeInvalid as unfit:
        raise _unfit(read, place, unfit.message, unfit.hint) from unfit
    return data


def _unfit(read: Read, place: int, found: str, expected: str) -> DocumentsInvalid:
    problem: Problem = read.problem(("spec", "finish", place, "lut", "source"), found, expected)
    return DocumentsInvalid([problem])
