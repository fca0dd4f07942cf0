"""A folder's captions are told before anything is uploaded, from .txt files and metadata.jsonl alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.datasets import folder
from jobs.datasets.folder import FolderSource
from jobs.errors import DatasetInvalid, SourceUnreadable


def put(to: Path, **texts: str) -> None:
    for name, text in texts.items():
        stem, _, kind = name.rpartition("_")
        (to / f"{stem}.{kind}").write_text(text)


def listed(to: Path, **captions: str) -> None:
    lines = [json.dumps({"file_name": f"{name}.png", "text": text}) for name, text in captions.items()]
    (to / "metadata.jsonl").write_text("\n".join(lines))


def test_both_kinds_of_captions_count(tmp_path: Path) -> None:
    put(tmp_path, a_png="", b_png="", c_png="", a_txt="a stblsx sox", notes_doc="")
    listed(tmp_path, b="a stblsx sox at night", z="gone")
    told = folder.told(FolderSource(tmp_path), {"sox": "sock"})
    assert told.texts == {"a.png": "a stblsx sock", "b.png": "a stblsx sock at night"}
    assert told.where == {"a.png": "a.txt", "b.png": "metadata.jsonl line 1", "c.png": ""}
    assert told.bare == ["c.png"]
    assert [name for name, _ in told.aside] == ["notes.doc", "z.png"]


def test_captions_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    put(tmp_path, a_png="", b_png="", a_txt="a sock", b_txt="  ")
    listed(tmp_path, a="a shoe")
    told = folder.told(FolderSource(tmp_path))
    assert told.unusable == [
        ("a.png", "a.txt and metadata.jsonl line 1 caption it differently: keep one of them"),
        ("b.png", "its caption is empty"),
    ]
    assert told.bare == []


def test_the_trigger_is_missed_where_it_is_no_word_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, a_png="", b_png="", a_txt="a stblsx sock", b_txt="a stblsxy sock")
    assert folder.told(FolderSource(tmp_path)).lacking("stblsx") == ["b.png"]


def test_hidden_files_are_passed_over_and_folders_below_are_kept(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / ".trash").mkdir()
    put(tmp_path / "in", a_png="x")
    put(tmp_path / ".trash", b_png="")
    (tmp_path / ".DS_Store").write_text("")
    source = FolderSource(tmp_path)
    assert [file.name for file in source.list()] == ["in/a.png"]
    assert source.read("in/a.png") == b"x"


def test_a_folder_that_is_not_there_and_a_broken_listing_are_said(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"nowhere does not exist\."):
        FolderSource(tmp_path / "nowhere")
    (tmp_path / "metadata.jsonl").write_text("not json")
    with pytest.raises(DatasetInvalid, match=r"metadata\.jsonl line 1 holds no JSON"):
        folder.told(FolderSource(tmp_path))
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        FolderSource(tmp_path).read("gone.png")
