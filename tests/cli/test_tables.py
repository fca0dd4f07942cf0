"""A brand's look from a `.cube` file: `apply` reads it, keeps it in the store and writes its address; a bad one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.local_farm import LocalFarm
from jobs import blobs
from jobs.manifests import BrandProject, parse
from tests import builders
from tests.cli.terminal import Terminal, written
from tests.jobs.test_cube import IDENTITY


@pytest.fixture
def farm(tmp_path: Path) -> LocalFarm:
    return LocalFarm(tmp_path / "farm")


@pytest.fixture
def terminal(farm: LocalFarm) -> Terminal:
    return Terminal(farm)


def looked(source: str) -> dict[str, Any]:
    grain: dict[str, Any] = {"grain": {}}
    return builders.project(finish=[grain, {"lut": {"source": source, "strength": 0.8}}])


def test_a_table_is_kept_by_its_digest_and_the_same_again_changes_nothing(
    terminal: Terminal, farm: LocalFarm, tmp_path: Path
) -> None:
    (tmp_path / "looks").mkdir()
    (tmp_path / "looks" / "film.cube").write_bytes(IDENTITY)
    path = written(tmp_path, "brand.yaml", [looked("./looks/film.cube")])
    assert terminal.type("apply", "-f", path).code == 0
    project = parse(farm.document("BrandProject", "default", "stable-socks"))
    assert isinstance(project, BrandProject)
    lut = project.spec.finish[1].lut
    assert lut is not None
    assert lut.digest is not None
    assert (blobs.get(farm.store, lut.digest), lut.strength) == (IDENTITY, 0.8)
    assert terminal.type("apply", "-f", path, "-o", "table").out == "brandproject/stable-socks unchanged\n"


@pytest.mark.parametrize(
    ("data", "told"),
    [(None, "No such file"), (b"LUT_3D_SIZE 2\n0 0\n", "film.cube, line 2: '0 0', not three numbers")],
)
def test_a_table_that_cannot_be_is_named_at_its_place_and_nothing_is_kept(
    data: bytes | None, told: str, terminal: Terminal, farm: LocalFarm, tmp_path: Path
) -> None:
    if data is not None:
        (tmp_path / "film.cube").write_bytes(data)
    shown = terminal.type("apply", "-f", written(tmp_path, "brand.yaml", [looked("./film.cube")]))
    assert (shown.code, shown.out) == (2, "")
    assert told in shown.err
    assert "spec.finish[1].lut.source" in shown.err
    assert farm.documents("BrandProject") == []
