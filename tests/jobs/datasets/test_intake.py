"""Intake turns a source into a dataset by content; bad files are set aside, too few is an error that names them."""

from __future__ import annotations

import json

import pytest

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.datasets.decode import Limits
from jobs.datasets.intake import intake
from jobs.errors import DatasetInvalid
from jobs.ports import SourceFile
from jobs.spec import IntakeAsk, asked_id
from tests.jobs.datasets import pictures


class Files:
    """A source in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def list(self) -> list[SourceFile]:
        return [SourceFile(name, len(data), "t") for name, data in sorted(self.files.items())]

    def read(self, name: str) -> bytes:
        return self.files[name]


def captioned(count: int, prefix: str = "p") -> dict[str, bytes]:
    files = {}
    for number in range(count):
        files[f"{prefix}{number}.png"] = pictures.png((number, 0, 0))
        files[f"{prefix}{number}.txt"] = b"a photo of a stblsx sox"
    return files


ASK = IntakeAsk(source="upload://x", listing="y", trigger="stblsx", glossary={"sox": "sock"}, min_images=3)


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def taken(files, store, ask=ASK, limits=None):
    progress = list(intake(ask, Files(files), store, limits))
    record = publish.read(store, keys.intake(asked_id(ask)))
    return progress, record, publish.read(store, keys.dataset(record["dataset"]))


def test_a_folder_becomes_a_dataset_with_progress(store):
    progress, record, dataset = taken(captioned(4), store)
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (record["count"], record["set_aside_count"], dataset["count"]) == (4, 0, 4)
    first = blobs.get_json(store, dataset["pictures"])[0]
    assert first["caption"] == "a photo of a stblsx sock"
    assert blobs.get(store, first["image"]).startswith(b"\x89PNG")


def test_names_and_order_do_not_change_the_dataset(store, tmp_path):
    one = taken(captioned(4), store)[1]
    other = taken(captioned(4, prefix="renamed"), FolderStore(tmp_path / "other"))[1]
    assert one["dataset"] == other["dataset"]


def test_a_changed_caption_is_another_dataset(store, tmp_path):
    files = captioned(4)
    one = taken(files, store)[1]
    files["p0.txt"] = b"a photo of a stblsx sock at night"
    assert taken(files, FolderStore(tmp_path / "other"))[1]["dataset"] != one["dataset"]


def test_bad_files_are_set_aside_and_the_rest_goes_on(store):
    bad = {
        "huge.png": pictures.huge_png(), "huge.txt": b"stblsx sock",
        "cut.jpg": pictures.truncated_jpeg(), "cut.txt": b"stblsx sock",
        "text.png": b"just words", "text.txt": b"stblsx sock",
        "alone.png": pictures.png((9, 9, 9)),
        "latin.png": pictures.png((8, 8, 8)), "latin.txt": "stblsx café".encode("latin-1"),
        "notes.md": b"# notes",
    }  # fmt: skip
    _, record, dataset = taken({**captioned(3), **bad}, store)
    aside = {one["name"]: one["reason"] for one in blobs.get_json(store, record["set_aside"])}
    assert dataset["count"] == 3
    assert aside.keys() == {"huge.png", "cut.jpg", "text.png", "alone.png", "latin.png", "notes.md"}
    assert "20000 x 20000" in aside["huge.png"]
    assert "no caption" in aside["alone.png"]


@pytest.mark.parametrize(("count", "found"), [(0, "no picture"), (1, "1 picture(s)")])
def test_too_few_pictures_is_an_error_and_nothing_is_recorded(store, count, found):
    with pytest.raises(DatasetInvalid, match="at least 3 are needed") as refused:
        taken(captioned(count), store)
    assert found in refused.value.message
    assert publish.read(store, keys.intake(asked_id(ASK))) is None


def test_a_caption_without_the_trigger_is_named_by_its_file(store):
    files = captioned(4)
    files["p2.txt"] = b"a photo of a sock"
    with pytest.raises(DatasetInvalid, match=r"1 of 4 captions lack the trigger 'stblsx', first p2\.txt"):
        taken(files, store)


def test_the_same_picture_twice_counts_once(store):
    files = captioned(3) | {"copy.png": pictures.png((0, 0, 0)), "copy.txt": b"a photo of a stblsx sock"}
    assert taken(files, store)[2]["count"] == 3


def test_intake_twice_is_the_same_record(store):
    first = taken(captioned(3), store)[1]
    assert taken(captioned(3), store)[1] == first
    assert json.dumps(first)


def test_a_file_over_the_limit_is_not_even_read(store):
    files = captioned(3) | {"big.png": b"x" * 5000, "big.txt": b"stblsx sock"}
    _, record, _ = taken(files, store, limits=Limits(file_bytes=4000))
    assert record["set_aside_count"] == 1
