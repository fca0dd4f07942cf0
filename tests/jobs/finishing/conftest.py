"""A store in a folder, for tables that are read from one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.folder_store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")
