"""An export is a folder that stands only when every file in it was proven, whatever the base's family."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from jobs.adapters.layout import names_of
from jobs.bases.loading import Base
from jobs.errors import ExportMismatch, KeyNotFound
from jobs.finish_steps import Colour, FinishStep
from jobs.identity import digest_of
from jobs.leaving import cube, folder, kohya, names, proof, references
from jobs.leaving import export as exports
from jobs.leaving.architecture import Known
from jobs.leaving.export import Exported, export
from jobs.leaving.folder import MARK, ExportRefused
from jobs.leaving.model import Format, Model, Picture
from jobs.leaving.proof import Ours
from tests.jobs import small_bases
from tests.jobs.leaving.given import base, model
from tests.jobs.training.given import store_in

BOTH = tuple(Format)
KOHYA, DIFFUSERS = "stable-socks-v3.safetensors", "diffusers/pytorch_lora_weights.safetensors"


def silent(_what: str) -> None:
    """Nobody listens."""


def exported(
    where: Path, of: Base, formats: tuple[Format, ...] = BOTH, force: bool = False, **settings: Any
) -> tuple[Exported, Model]:
    store = store_in(where / "store")
    leaving = model(store, of, **settings)
    return export(of, store, leaving, formats, where / "out", force=force, tell=silent), leaving


def proofs(left: Exported) -> dict[str, Mapping[str, Any]]:
    return {finding.target: finding.figures for finding in left.findings}


def require_proven(left: Exported, leaving: Model) -> None:
    """Every target is proven, with figures that mean something."""
    proven = proofs(left)
    assert proven["diffusers"]["effect"] > 10 * proven["diffusers"]["tolerance"]  # the adapter is seen
    assert proven["diffusers"]["largest_difference"] < 1e-4
    assert proven["Kohya"] == proven["Kohya"] | {"lost": []}
    assert proven["Kohya"]["largest_difference"] < 1e-4
    layers = proven["diffusers"]["layers"]
    rules = proven["ComfyUI, A1111, InvokeAI"]
    assert rules["tools"] == {"ComfyUI": layers, "A1111": layers, "InvokeAI": layers}
    assert rules["alpha"] == [1.5]
    assert digest_of((left.place / DIFFUSERS).read_bytes()) == leaving.record.adapter


def test_every_target_of_an_sdxl_is_proven(tmp_path: Path) -> None:
    require_proven(*exported(tmp_path, base("sdxl"), alpha=1.5, strength=0.8))


def test_the_folder_of_a_known_base_holds_what_its_proof_names_by_digest(tmp_path: Path) -> None:
    pictures = (Picture(b"a png", model(store_in(tmp_path / "x"), base("sd15")).plan.shot(0).recipe),)
    left, leaving = exported(tmp_path, base("sd15"), alpha=1.5, strength=0.8, pictures=pictures)
    require_proven(left, leaving)
    written = json.loads((tmp_path / "out" / MARK).read_text())
    there = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert there == {*written["files"], MARK}
    assert written["files"] == left.files
    assert all(digest_of((tmp_path / "out" / name).read_bytes()) == digest for name, digest in left.files.items())
    card = (tmp_path / "out" / "README.md").read_text()
    for words in (
        "Studio A, owned",
        "CreativeML Open RAIL-M",
        "stable-socks-v3.cube",
        "power 0.2",
        "<lora:stable-socks-v3:0.8>",
    ):
        assert words in card
    assert json.loads((tmp_path / "out" / "stable-socks-v3.json").read_text())["activation text"] == "stblsx sock"
    assert json.loads((tmp_path / "out" / "record.json").read_text())["training"]["rank"] == 4


def test_a_base_that_no_other_tool_loads_leaves_too_and_says_so(tmp_path: Path) -> None:
    left, _ = exported(tmp_path, small_bases.base("sd15"))
    assert proofs(left)["ComfyUI, A1111, InvokeAI"]["tools"] == {}
    assert proofs(left)["Kohya"]["largest_difference"] < 1e-4
    assert "cannot load the base `small`" in (tmp_path / "out" / "README.md").read_text()


def test_one_format_is_enough_and_a_finish_without_colour_has_no_lut(tmp_path: Path) -> None:
    left, _ = exported(tmp_path, base("sd15"), (Format.DIFFUSERS,), finish=())
    assert set(left.files) == {DIFFUSERS, "README.md", "record.json"}
    assert [finding.target for finding in left.findings] == ["diffusers"]


def test_a_lut_of_gamma_says_how_far_it_is_off(tmp_path: Path) -> None:
    of, store = base("sd15"), store_in(tmp_path / "store")
    leaving = model(store, of, finish=(FinishStep(colour=Colour(gamma=2.2)),))
    colouring = references.colouring(of, store, leaving)
    (tmp_path / "x.cube").write_bytes(cube.written("x", colouring))
    pictures = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 0.7 + 0.3
    ours = Ours(references.wanted(leaving)[:1], pictures, pictures)
    figures = proof.lut(tmp_path / "x.cube", colouring, ours).figures
    assert figures["colours_max"] > 1 / 255 > figures["pictures_mean"]
    (tmp_path / "x.cube").write_bytes(cube.written("x", lambda picture: picture))
    with pytest.raises(ExportMismatch, match="entries differ"):
        proof.lut(tmp_path / "x.cube", colouring, ours)


def forgetting_alpha(tensors: dict[str, torch.Tensor], _alpha: float, known: Known) -> dict[str, torch.Tensor]:
    return TWIN(tensors, 1.0, known) | {
        names.kohya(layer, known) + kohya.ALPHA: torch.tensor(4.0) for layer in names_of(tensors)
    }


def misnaming(tensors: dict[str, torch.Tensor], alpha: float, known: Known) -> dict[str, torch.Tensor]:
    return {
        key.replace("input_blocks_4_1", "input_blocks_6_1"): one for key, one in TWIN(tensors, alpha, known).items()
    }


TWIN = kohya.twin


@pytest.mark.parametrize("spoiled", [forgetting_alpha, misnaming])
def test_a_failed_proof_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoiled: Any) -> None:
    monkeypatch.setattr(exports.kohya, "twin", spoiled)
    with pytest.raises(ExportMismatch) as refused:
        exported(tmp_path, base("sdxl"))
    assert "Kohya file failed its proof" in refused.value.message
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["store"]


def test_an_adapter_that_the_store_lost_leaves_nothing_behind(tmp_path: Path) -> None:
    store = store_in(tmp_path / "store")
    leaving = model(store, base("sd15"))
    lost = dataclasses.replace(leaving, record=leaving.record.model_copy(update={"adapter": "0" * 64}))
    with pytest.raises(KeyNotFound):
        export(base("sd15"), store, lost, BOTH, tmp_path / "out", force=False, tell=silent)
    assert not (tmp_path / "out").exists()


def test_an_earlier_export_makes_room_only_by_force(tmp_path: Path) -> None:
    place, mark = tmp_path / "out", json.dumps({"schema": folder.SCHEMA}).encode()
    folder.put_in_place(place, {MARK: mark, "old": b"x"}, {"old": digest_of(b"x")})
    with pytest.raises(ExportRefused, match="earlier export"):
        folder.require_free(place, force=False)
    folder.require_free(place, force=True)
    folder.put_in_place(place, {MARK: mark, "new": b"y"}, {"new": digest_of(b"y")})
    assert sorted(entry.name for entry in place.iterdir()) == [MARK, "new"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_files_that_read_back_otherwise_take_no_place(tmp_path: Path) -> None:
    with pytest.raises(ExportMismatch, match="read back"):
        folder.put_in_place(tmp_path / "out", {"a": b"x"}, {"a": digest_of(b"y")})
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_export_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "photo.png").write_bytes(b"precious")
    with pytest.raises(ExportRefused, match="not an export"):
        exported(tmp_path, base("sd15"), force=True)
    assert (tmp_path / "out" / "photo.png").read_bytes() == b"precious"
