"""The verdicts that a contact sheet exports, read from their file and made into a Review. Knows no farm.

The file is what a person's browser wrote, so it is read strictly, and every mistake names its field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs import manifests
from jobs.errors import ManifestInvalid, NotFound
from jobs.manifests import names
from jobs.manifests.problems import field_name

SCHEMA: Literal["brandfarm.dev/verdicts/1"] = "brandfarm.dev/verdicts/1"
LARGEST_FILE_BYTES = 4 << 20
AGAIN = "Export the verdicts from the contact sheet again, or correct the file."

Tags = Annotated[tuple[names.Tag, ...], Field(max_length=32)]
Note = Annotated[str, Field(max_length=2000)]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)
    verdict: Literal["approve", "revise", "reject"]
    tags: Tags = ()
    note: Note = ""


class ShotVerdict(_Words):
    """The word on one picture: prompt (its index in the sheet's plan) x seed."""

    prompt: Annotated[int, Field(ge=0, le=63)]
    seed: Annotated[int, Field(ge=0, le=names.LARGEST_SEED)]


class Verdicts(_Words):
    """The word on a version and on its pictures, as the sheet exports it."""

    schema_: Literal["brandfarm.dev/verdicts/1"] = Field(alias="schema")
    project: names.Name
    namespace: names.Name
    uid: Annotated[str, Field(max_length=64)] = ""
    version: names.Version
    shots: Annotated[tuple[ShotVerdict, ...], Field(max_length=2048)] = ()


def read(path: str | Path) -> Verdicts:
    """The verdicts in a file. Raises NotFound, and ManifestInvalid where it is not what a sheet exports."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise NotFound(
            f"{path} cannot be read: {error.strerror}.",
            hint="Name the verdicts.json that the contact sheet's Export button wrote.",
        ) from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> Verdicts:
    """The verdicts in a file's bytes; `name` stands in errors. Raises ManifestInvalid."""
    if len(data) > LARGEST_FILE_BYTES:
        raise ManifestInvalid(f"{name} is larger than {LARGEST_FILE_BYTES >> 20} MiB: no verdicts.", hint=AGAIN)
    try:
        json.loads(data)
    except ValueError as error:
        raise ManifestInvalid(f"{name} is not JSON: {error}.", hint=AGAIN) from error
    try:
        return Verdicts.model_validate_json(data)
    except ValidationError as error:
        raise _invalid(name, _problems(error)) from error


def to_review(verdicts: Verdicts, by: str) -> dict[str, Any]:
    """The document of the Review that says the same, by a person. Raises ManifestInvalid, for instance for a picture judged twice."""
    spec: dict[str, Any] = {
        "by": by,
        "project": verdicts.project,
        "version": verdicts.version,
        "verdict": verdicts.verdict,
        "tags": list(verdicts.tags),
        "note": verdicts.note,
        "shots": [shot.model_dump(mode="json") for shot in verdicts.shots],
    }
    if verdicts.uid:
        spec["projectUid"] = verdicts.uid
    document = {
        "apiVersion": names.API_VERSION,
        "kind": "Review",
        "metadata": {"generateName": f"{verdicts.project}-{verdicts.version}-", "namespace": verdicts.namespace},
        "spec": spec,
    }
    return manifests.dump(manifests.parse(document))


def _problems(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        pattern = detail.get("ctx", {}).get("pattern", "")
        said = f"write {names.EXPECTED[pattern]}" if pattern in names.EXPECTED else detail["msg"]
        found = "" if detail["type"] == "missing" else f"found {detail['input']!r:.80}; "
        yield f"{field_name(detail['loc']) or 'the file'}: {found}{said}"


def _invalid(name: str, problems: Iterable[str]) -> ManifestInvalid:
    lines = "".join(f"\n  {problem}" for problem in problems)
    return ManifestInvalid(f"{name} does not hold a contact sheet's verdicts:{lines}", hint=AGAIN)
