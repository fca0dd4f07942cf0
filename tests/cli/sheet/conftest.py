"""A store in a folder, and a studio that fills it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from tests.cli.sheet.studio import Studio


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def studio(store: FolderStore) -> Studio:
    return Studio(store)
