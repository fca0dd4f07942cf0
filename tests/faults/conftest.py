"""One forking process and one furnished scene for all tests of faults; each test gets a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.forks import Forks
from tests.faults.scene import Scene


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@pytest.fixture(scope="session")
def pattern(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene.furnished(forks, tmp_path_factory.mktemp("pattern"))


@pytest.fixture(scope="session")
def undisturbed(pattern: Scene, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The scene to whose workers nothing happened."""
    scene = pattern.copy(tmp_path_factory.mktemp("undisturbed") / "scene")
    for kind in scene.jobs:
        scene.until_done("", kind)
    return scene


@pytest.fixture
def scene(pattern: Scene, tmp_path: Path) -> Scene:
    return pattern.copy(tmp_path / "scene")
