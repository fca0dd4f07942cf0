"""The committed reference is the one that the models write."""

from __future__ import annotations

from pathlib import Path

from cli import reference

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "manifests.md"


def test_the_committed_reference_is_what_the_models_say() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == reference.reference(), "run: python -m cli.reference"


def test_the_page_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "docs" / "manifests.md"

    reference.main([str(place)])

    page = place.read_text(encoding="utf-8")
    assert "| `spec.recipe.rank` | a whole number from 1 to 128 | *optional* | The adapter's rank. |" in page
    assert "| `spec.looks[].with[].brand` |" in page
    assert "| `learningRate` | 0.003 | 0.003 | 0.003 |" in page
