"""The files themselves: alpha, metadata and hashes of the Kohya twin, and the LUT with its independent reader."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load
from torch import Tensor

from jobs import finishing
from jobs.adapters import tensor_file
from jobs.adapters.layout import A, B, names_of
from jobs.finish_steps import Colour, FinishStep
from jobs.leaving import cube, cube_reader, kohya, metadata, names
from jobs.leaving.architecture import Known
from jobs.leaving.cube import Colouring
from tests.jobs.leaving.given import adapter, base, model
from tests.jobs.training.given import store_in


def colouring(**settings: float) -> Colouring:
    steps = [FinishStep(colour=Colour(**settings))]
    return lambda picture: finishing.apply(picture[None], [steps], [0])[0].double()


@pytest.mark.parametrize("alpha", [4.0, 1.0, 7.0])
def test_alpha_is_true_and_the_product_stays(alpha: float) -> None:
    tensors = adapter(base("sdxl").unet)
    twin = kohya.twin(tensors, alpha, Known.SDXL)
    layers = {names.kohya(layer, Known.SDXL): layer for layer in names_of(tensors)}
    assert {float(tensor) for key, tensor in twin.items() if key.endswith(".alpha")} == {alpha}
    again = kohya.folded(twin, layers)
    for name, tensor in tensors.items():
        assert torch.allclose(again[name], tensor, rtol=1e-6, atol=0), name
        assert name.endswith(B) or torch.equal(again[name], tensor)
    up = twin[names.kohya("add_embedding.linear_1", Known.SDXL) + kohya.UP]
    assert torch.allclose(up * alpha / 4, tensors["unet.add_embedding.linear_1" + B])


def test_a_reader_that_forgets_alpha_would_be_noticed() -> None:
    tensors = adapter(base("sdxl").unet, targets="attention")
    twin = kohya.twin(tensors, 1.0, Known.SDXL)
    layers = {names.kohya(layer, Known.SDXL): layer for layer in names_of(tensors)}
    forgetful = kohya.folded(
        {key: torch.tensor(4.0) if key.endswith(".alpha") else tensor for key, tensor in twin.items()}, layers
    )
    some = next(name for name in tensors if name.endswith(B))
    assert torch.allclose(forgetful[some], 4 * tensors[some])


def test_the_same_tensors_are_the_same_bytes_and_the_library_reads_them(tmp_path: Path) -> None:
    tensors: dict[str, Tensor] = {"b": torch.arange(6.0).view(2, 3), "a": torch.tensor(2.5), "c": torch.zeros(2, 1, 1)}
    data = tensor_file.written(tensors, {"z": "last", "a": "é"})
    assert data == tensor_file.written(dict(reversed(tensors.items())), {"a": "é", "z": "last"})
    (tmp_path / "x.safetensors").write_bytes(data)
    with safe_open(tmp_path / "x.safetensors", "pt") as opened:
        assert opened.metadata() == {"a": "é", "z": "last"} == tensor_file.metadata_of(data)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in load(data).items())


def test_hashes_are_of_the_tensors_whatever_the_metadata_says() -> None:
    tensors = {"a": torch.arange(3.0)}
    plain, wordy = tensor_file.written(tensors, {}), tensor_file.written(tensors, {"ss_x": "y"})
    assert tensor_file.model_hash(plain) == tensor_file.model_hash(wordy) == hashlib.sha256(plain[-12:]).hexdigest()
    large = bytes(0x100000) + b"x" * 0x10000 + b"tail"
    assert tensor_file.legacy_hash(large) == hashlib.sha256(b"x" * 0x10000).hexdigest()[:8]


def test_a_kohya_file_says_what_other_tools_ask(tmp_path: Path) -> None:
    leaving = model(store_in(tmp_path), base("sdxl"), alpha=2.0)
    tensors = kohya.twin(adapter(base("sdxl").unet), 2.0, Known.SDXL)
    said = metadata.of(leaving, Known.SDXL, tensors, "epsilon")
    assert said["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert said["modelspec.trigger_phrase"] == "stblsx sock"
    assert said["modelspec.date"] == "2027-01-15T08:00:00+00:00"
    assert (said["ss_base_model_version"], said["ss_v2"]) == ("sdxl_base_v1-0", "False")
    assert (said["ss_network_module"], said["ss_network_dim"], said["ss_network_alpha"]) == ("networks.lora", "4", "2")
    assert json.loads(said["ss_tag_frequency"]) == {
        "1_stblsx sock": {"a stblsx sock": 3, "at night": 2, "at sunset": 1}
    }
    assert said["sshs_model_hash"] == tensor_file.model_hash(tensor_file.written(tensors, said))


def test_the_lut_is_the_finish_and_red_runs_fastest() -> None:
    steps = colouring(contrast=-20, saturation=-10)
    data = cube.written("socks v3", steps)
    lines = data.decode().splitlines()
    assert lines[0] == 'TITLE "socks v3"'
    assert "LUT_3D_SIZE 33" in lines
    assert len(lines) == 5 + 33**3
    found = cube_reader.read(data)
    red = steps(torch.tensor([1.0, 0, 0]).view(3, 1, 1)).flatten().numpy()
    assert np.abs(found.values[0, 0, 32] - red).max() < 1e-6
    picture = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    apart = found.applied(picture.permute(1, 2, 0).numpy()) - steps(picture).permute(1, 2, 0).numpy()
    assert np.abs(apart).max() < 1e-6  # linear steps: between the points it is exact too


def test_between_its_points_a_lut_bends_gamma_into_lines() -> None:
    steps = colouring(gamma=2.2)
    found = cube_reader.read(cube.written("x", steps, 17))
    dark = torch.full((3, 1, 1), 0.01, dtype=torch.float64)
    apart = found.applied(dark.permute(1, 2, 0).numpy()) - steps(dark).permute(1, 2, 0).numpy()
    assert np.abs(apart).max() > 10 / 255  # why the proof measures it


@pytest.mark.parametrize("spoil", ["LUT_3D_SIZE 3\n0 0 0\n", "0 0 0\n"])
def test_a_file_that_is_no_table_is_refused(spoil: str) -> None:
    with pytest.raises(ValueError, match="rows"):
        cube_reader.read(spoil.encode())


def test_the_domain_of_a_table_is_heard() -> None:
    corners = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    found = cube_reader.read(f"LUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 2 2 2\n{corners}\n".encode())
    assert found.applied(np.array([[[1.0, 0.5, 9.0]]])).tolist() == [[[0.5, 0.25, 1.0]]]


def test_every_layer_has_three_keys() -> None:
    tensors = adapter(base("sd15").unet)
    twin = kohya.twin(tensors, 4.0, Known.SD1)
    assert len(twin) == 3 * sum(name.endswith(A) for name in tensors) == 3 * len(kohya.stems(twin))
