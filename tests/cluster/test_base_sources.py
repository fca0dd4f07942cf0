"""A model's folder: what is in it, and that nothing from outside comes along."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.base_sources import FolderModels, open_source
from cluster.folder_store import FolderStore
from jobs.errors import BaseRefused, SourceUnreadable
from tests import models


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return models.write(tmp_path / "ink")


def test_a_folder_offers_its_files_and_no_hidden_ones(model: Path) -> None:
    models.write(model / ".cache", {"unet/config.json": b"{}"})
    (model / "unet" / ".hidden.json").write_text("{}")
    (model / "unet" / "again.json").symlink_to(model / "unet" / "config.json")
    offered = {file.name: file.size for file in FolderModels(model).files()}
    given = {name: len(data) for name, data in models.files().items()}
    assert offered == given | {"unet/again.json": given["unet/config.json"]}


@pytest.mark.parametrize("place", ["secret.json", "unet/secret.json", "more"])
def test_a_link_that_leaves_the_folder_refuses_the_whole(model: Path, tmp_path: Path, place: str) -> None:
    outside = models.write(tmp_path / "elsewhere")
    (model / place).symlink_to(outside / "model_index.json" if place.endswith(".json") else outside)
    with pytest.raises(BaseRefused, match="outside the model's folder") as told:
        FolderModels(model).files()
    assert "cp -rL" in told.value.hint


def test_a_bucket_needs_a_farm_on_that_server(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="this farm keeps its store in a folder"):
        open_source(FolderStore(tmp_path / "store"), "s3://models/ink", None)
