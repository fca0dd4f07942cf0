"""Which files of a model are taken: safetensors, settings and tokenizers of its parts, and nothing else."""

from __future__ import annotations

import pytest

from jobs.bases import detect, selection
from jobs.bases.selection import Offered
from jobs.errors import BaseRefused
from tests import models

PARTS = detect.PARTS["sd15"]
UNET = "unet/diffusion_pytorch_model"


def offered(*more: str, without: str = "") -> list[Offered]:
    return [Offered(name, 100) for name in [*models.files(), *more] if name != without]


def taken(*more: str, without: str = "", variant: str = "") -> dict[str, str]:
    found = selection.select(offered(*more, without=without), PARTS, variant)
    return {kept: file.name for kept, file in found.items()}


def refusal(*more: str, without: str = "", variant: str = "") -> BaseRefused:
    with pytest.raises(BaseRefused) as told:
        taken(*more, without=without, variant=variant)
    return told.value


def test_a_models_parts_are_taken_and_nothing_beside_them() -> None:
    beside = ("README.md", "v1-5-pruned.safetensors", "safety_checker/model.safetensors", "unet/notes.md")
    pickles = ("unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.non_ema.safetensors")
    kept = taken(*beside, *pickles, "unet/deeper/config.json", "unet/provenance.json")
    assert set(kept) == set(models.files()) - {"provenance.json"}


def test_pickles_without_a_safetensors_twin_are_named_and_refused() -> None:
    told = refusal(f"{UNET}.bin", f"{UNET}.ckpt", without=f"{UNET}.safetensors")
    assert told.message.startswith(f"The weights {UNET}.bin, {UNET}.ckpt are pickles, which can run code")


def test_missing_weights_are_told() -> None:
    assert refusal(without=f"{UNET}.safetensors").message == f"The model has no {UNET}.safetensors."


def test_a_variant_is_taken_when_it_is_asked_for_and_loses_its_name() -> None:
    assert taken(f"{UNET}.fp16.safetensors")[f"{UNET}.safetensors"] == f"{UNET}.safetensors"
    kept = taken(f"{UNET}.fp16.safetensors", variant="fp16")
    assert kept[f"{UNET}.safetensors"] == f"{UNET}.fp16.safetensors"
    assert kept["vae/diffusion_pytorch_model.safetensors"] == "vae/diffusion_pytorch_model.safetensors"


def test_a_model_that_has_only_a_variant_says_how_to_take_it() -> None:
    told = refusal(f"{UNET}.fp16.safetensors", without=f"{UNET}.safetensors")
    assert (told.message, told.hint) == (
        "The model's unet has safetensors only as fp16.",
        "Take that with --variant fp16.",
    )
    assert "of the variant bf16" in refusal(variant="bf16").message


def test_shards_are_taken_with_their_index() -> None:
    shards = [f"{UNET}-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = f"{UNET}.safetensors.index.json"
    kept = taken(*shards, index, without=f"{UNET}.safetensors")
    assert {name for name in kept if "model" in name and name.startswith("unet")} == {*shards, index}


@pytest.mark.parametrize("name", ["../config.json", "unet/../../x.json", "/etc/passwd", "unet\\x.json", "unet//x.json"])
def test_a_name_that_leaves_the_folder_refuses_the_whole(name: str) -> None:
    assert "leaves its folder" in refusal(name).message


def test_odd_sizes_are_refused_before_anything_is_read() -> None:
    whole = {file.name: file for file in offered()}
    for name, size, said in (
        ("vae/config.json", 2**30, "settings have at most"),
        (f"{UNET}.safetensors", 0, "is empty"),
    ):
        with pytest.raises(BaseRefused, match=said):
            selection.select([*(whole | {name: Offered(name, size)}).values()], PARTS)
