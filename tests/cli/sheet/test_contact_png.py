"""The overview as one picture: references, the base's row, the version's row."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.sheet import FolderRefused, contact_png, gather
from cluster.folder_store import FolderStore
from jobs.shots import Recipe
from tests.cli.sheet.studio import Studio, flat


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    studio = Studio(FolderStore(tmp_path_factory.mktemp("studio") / "store"))
    studio.references("a stblsx sock on a chair").version(1)
    return studio


def test_the_base_and_the_version_stand_in_rows_below_the_references(drawn: Studio, tmp_path: Path) -> None:
    data = gather(drawn.store, drawn.document)
    with Image.open(contact_png.draw(data, tmp_path / "sheet.png", side=64)) as picture:
        overview = picture.convert("RGB")
    for row, cells in enumerate((data.newest.base, data.newest.cells), start=1):
        for column, cell in enumerate(cells):
            assert overview.getpixel(_middle(column, row)) == tuple(_colour_of(cell.recipe))


def test_a_missing_picture_leaves_its_place_empty(studio: Studio, tmp_path: Path) -> None:
    studio.references("a stblsx sock").version(1, skipped=1)
    data = gather(studio.store, studio.document)
    with Image.open(contact_png.draw(data, tmp_path / "sheet.png", side=64)) as picture:
        assert picture.convert("RGB").getpixel(_middle(3, 2)) == (0x29, 0x29, 0x29)


def test_without_pillow_it_says_what_to_install(drawn: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = gather(drawn.store, drawn.document)
    monkeypatch.setattr(builtins, "__import__", _without_pillow(builtins.__import__))
    with pytest.raises(contact_png.PillowMissing) as caught:
        contact_png.draw(data, tmp_path / "sheet.png")
    assert "brandfarm[worker]" in caught.value.hint


def test_the_sheet_itself_loads_neither_pillow_nor_numpy() -> None:
    code = "import sys, cli.sheet, cli.sheet.contact_png; print(sorted({'PIL', 'numpy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_place_that_cannot_be_written_is_said(drawn: Studio, tmp_path: Path) -> None:
    with pytest.raises(FolderRefused, match="could not be written"):
        contact_png.draw(gather(drawn.store, drawn.document), tmp_path / "nowhere" / "sheet.png")


def _middle(column: int, row: int, side: int = 64) -> tuple[int, int]:
    step = side + contact_png.GAP
    left = contact_png.MARGIN + contact_png.LABELS + column * step
    return left + side // 2, contact_png.MARGIN + contact_png.HEAD + row * step + side // 2


def _colour_of(recipe: Recipe) -> tuple[int, ...]:
    with Image.open(io.BytesIO(flat(recipe))) as picture:
        return tuple(picture.convert("RGB").getpixel((0, 0)))  # type: ignore[arg-type]


def _without_pillow(real: Any) -> Any:
    def pretend(name: str, *args: Any, **extra: Any) -> Any:
        if name == "PIL" or name.startswith("PIL."):
            raise ImportError("No module named 'PIL'")
        return real(name, *args, **extra)

    return pretend
