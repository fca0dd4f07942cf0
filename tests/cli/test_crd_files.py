"""The chart's committed custom resources are those that the models make."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from cli import crd_files
from jobs.manifests import crd

COMMITTED = Path(__file__).parents[2] / crd_files.PLACE


def test_the_committed_custom_resources_are_what_the_models_say() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir()}

    assert committed == dict(crd_files.files()), "run: make crds"


def test_the_files_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "files" / "crds"

    crd_files.main([str(place)])

    read = {path.name: YAML(typ="safe").load(path) for path in place.iterdir()}
    assert read == {
        f"{kind}.yaml": document
        for kind, document in zip(("brandprojects", "campaigns", "reviews"), crd.all_crds(), strict=True)
    }
