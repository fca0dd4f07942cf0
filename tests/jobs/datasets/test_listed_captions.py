"""Captions in a metadata.jsonl, as an imagefolder dataset has them, do as well as text files; a bad line is named."""

from __future__ import annotations

import json

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.datasets.intake import intake
from jobs.errors import DatasetInvalid
from jobs.spec import IntakeAsk, asked_id
from tests.jobs.datasets import pictures
from tests.jobs.datasets.test_intake import ASK, Files, captioned


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode() + b"\n"


def row(number: int, text: str = "a photo of a stblsx sox") -> dict[str, str]:
    return {"file_name": f"p{number}.png", "text": text}


def imagefolder(count: int = 4, folder: str = "") -> dict[str, bytes]:
    files = {f"{folder}p{number}.png": pictures.png((number, 0, 0)) for number in range(count)}
    return {**files, f"{folder}metadata.jsonl": lines(*(row(number) for number in range(count)))}


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def taken(files: dict[str, bytes], store: FolderStore, ask: IntakeAsk = ASK):
    list(intake(ask, Files(files), store))
    record = publish.read(store, keys.intake(asked_id(ask)))
    assert record is not None
    aside = {one["name"]: one["reason"] for one in blobs.get_json(store, record["set_aside"])}
    return record, aside


def test_a_listing_gives_the_same_dataset_as_text_files_beside_the_pictures(store: FolderStore) -> None:
    listed, aside = taken(imagefolder(), store)
    beside, _ = taken(captioned(4), store, ASK.model_copy(update={"listing": "z"}))
    assert listed["dataset"] == beside["dataset"]
    assert aside == {}


def test_names_are_below_the_listings_own_folder_and_folders_may_each_have_one(store: FolderStore) -> None:
    other = {**imagefolder(2, "b/"), "b/metadata.jsonl": lines(row(0, "a stblsx sock"), row(1, "a stblsx sock"))}
    record, aside = taken({**imagefolder(2, "a/"), **other}, store)
    assert (record["count"], aside) == (4, {})


def test_a_caption_field_serves_and_other_columns_are_passed_over(store: FolderStore) -> None:
    files = imagefolder(3)
    rows = [{"file_name": f"p{n}.png", "caption": "a stblsx sock", "licence": "owned"} for n in range(3)]
    assert taken({**files, "metadata.jsonl": lines(*rows)}, store)[0]["count"] == 3


def test_a_line_without_its_picture_is_set_aside_by_name(store: FolderStore) -> None:
    files = imagefolder(4)
    del files["p3.png"]
    assert taken(files, store)[1] == {"p3.png": "metadata.jsonl line 4 names it, and it is not there"}


def test_two_captions_that_differ_set_the_picture_aside(store: FolderStore) -> None:
    files = {**imagefolder(4), "p0.txt": b"a photo of a stblsx sock", "p1.txt": b"another stblsx sock"}
    reason = "p1.txt and metadata.jsonl line 2 caption it differently: keep one of them"
    assert taken(files, store)[1] == {"p1.png": reason}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{'file_name': 'p1.png'}", "line 2 holds no JSON"),
        (b"[1]", "line 2 holds JSON that is no object"),
        (b'{"text": "a stblsx sock"}', "line 2 holds no file_name"),
        (b'{"file_name": "p1.png", "text": 3}', "line 2 holds no text"),
        (b'{"file_name": "p0.png", "text": "x"}', "line 2 holds p0.png again, after metadata.jsonl line 1"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(store: FolderStore, line: bytes, told: str) -> None:
    files = {**imagefolder(3), "metadata.jsonl": lines(row(0)) + line}
    with pytest.raises(DatasetInvalid, match=r"metadata\.jsonl") as found:
        taken(files, store)
    assert told in found.value.message


def test_a_listed_caption_without_the_trigger_is_told_with_its_line(store: FolderStore) -> None:
    files = {**imagefolder(3), "metadata.jsonl": lines(row(0), row(1, "a sock"), row(2))}
    with pytest.raises(DatasetInvalid, match=r"metadata\.jsonl line 2: 'a sock'"):
        taken(files, store)
