"""What the sheet exports becomes a Review, and every mistake in the file names its field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.sheet import read_verdicts, to_review
from cli.sheet.page import packaged
from jobs import manifests
from jobs.errors import ManifestInvalid, NotFound

EXPORTED: dict[str, Any] = {
    "schema": "brandfarm.dev/verdicts/1",
    "project": "stable-socks",
    "namespace": "studio-a",
    "uid": "uid-1",
    "version": "v3",
    "verdict": "revise",
    "tags": ["oversaturated"],
    "note": "heel too orange",
    "shots": [
        {"prompt": 0, "seed": 7, "verdict": "reject", "tags": ["ai-look"], "note": "plastic"},
        {"prompt": 1, "seed": 7, "verdict": "approve", "tags": []},
    ],
}


def test_an_export_becomes_a_review_that_says_the_same(tmp_path: Path) -> None:
    review = manifests.parse(to_review(read_verdicts(_file(tmp_path, EXPORTED)), by="lead@studio-a"))
    assert isinstance(review, manifests.Review)
    assert review.metadata.generate_name == "stable-socks-v3-"
    assert review.metadata.namespace == "studio-a"
    spec = review.spec
    assert (spec.by, spec.project, spec.project_uid, spec.version) == ("lead@studio-a", "stable-socks", "uid-1", "v3")
    assert (spec.verdict.value, spec.tags, spec.note) == ("revise", ("oversaturated",), "heel too orange")
    assert [(one.prompt, one.seed, one.verdict.value, one.tags, one.note) for one in spec.shots] == [
        (0, 7, "reject", ("ai-look",), "plastic"),
        (1, 7, "approve", (), ""),
    ]


def test_the_pages_script_writes_the_fields_that_are_read() -> None:
    made = re.search(r"return \{ schema: sheet\.verdicts, (.*), shots: judged \};", packaged("judge.js"))
    shot = re.search(r"return \[\{ (.*), \.\.\.note \}\];", packaged("judge.js"))
    assert made is not None
    assert shot is not None
    assert {part.split(":")[0].strip() for part in made[1].split(",")} | {"schema", "shots"} == set(EXPORTED)
    assert {part.split(":")[0].strip() for part in shot[1].split(",")} | {"note"} == set(EXPORTED["shots"][0])


def test_an_export_without_a_uid_is_of_whichever_project_has_the_name(tmp_path: Path) -> None:
    review = to_review(read_verdicts(_file(tmp_path, EXPORTED | {"uid": ""})), by="lead@studio-a")
    assert "projectUid" not in review["spec"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"verdict": "perhaps"}, "verdict: found 'perhaps'"),
        ({"verdict": None}, "verdict: found None"),
        ({"version": "3"}, "version: found '3'; write a version such as v3"),
        ({"schema": "brandfarm.dev/verdicts/2"}, "schema: found"),
        ({"tags": ["Too Red"]}, r"tags\[0\]: found 'Too Red'; write lower-case words"),
        ({"shots": [{"prompt": "0", "seed": 7, "verdict": "approve"}]}, r"shots\[0\]\.prompt: found '0'"),
        ({"shots": [{"prompt": 0, "seed": -1, "verdict": "approve"}]}, r"shots\[0\]\.seed: found -1"),
        ({"mood": "good"}, "mood: found 'good'"),
    ],
)
def test_a_mistake_names_its_field(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ManifestInvalid, match=named):
        read_verdicts(_file(tmp_path, EXPORTED | change))


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    without = {key: value for key, value in EXPORTED.items() if key != "project"}
    with pytest.raises(ManifestInvalid, match="project: Field required"):
        read_verdicts(_file(tmp_path, without))


def test_a_picture_that_is_judged_twice_is_refused(tmp_path: Path) -> None:
    twice = EXPORTED | {"shots": EXPORTED["shots"][:1] * 2}
    with pytest.raises(ManifestInvalid, match=r"shots\[1\]"):
        to_review(read_verdicts(_file(tmp_path, twice)), by="lead@studio-a")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"verdict: approve", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "the file: found"),
        (b" " * (5 << 20), "larger than 4 MiB"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "verdicts.json"
    path.write_bytes(data)
    with pytest.raises(ManifestInvalid, match=said):
        read_verdicts(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"nothing\.json cannot be read: No such file"):
        read_verdicts(tmp_path / "nothing.json")


def _file(folder: Path, value: dict[str, Any]) -> Path:
    path = folder / "verdicts.json"
    path.write_text(json.dumps(value))
    return path
