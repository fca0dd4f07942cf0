"""The farm of a folder on this machine keeps what every farm promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.local_farm import LocalFarm
from tests.contract.farm import FarmContract


class TestLocalFarm(FarmContract):
    @pytest.fixture
    def farm(self, tmp_path: Path) -> LocalFarm:
        return LocalFarm(tmp_path / "farm")

    @pytest.fixture
    def namespace(self) -> str:
        return "default"
