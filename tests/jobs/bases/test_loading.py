"""Bases are loaded whole, of the family that the catalogue says, in the precision that is asked; prompts are heard by all encoders."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from jobs.bases import catalogue, conditioning, loading
from jobs.bases.catalogue import BaseEntry
from jobs.errors import BaseUnknown
from jobs.generation import samples
from jobs.shots import Sampling
from tests.jobs import small_bases
from tests.jobs.small_bases import FAMILIES, LENGTH, PROJECTED, WIDTHS


def copied(where: Path, family: str) -> BaseEntry:
    """A base that a test may spoil."""
    entry = small_bases.entry(family)
    shutil.copytree(entry.folder, where / "model")
    return dataclasses.replace(entry, folder=where / "model")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_in_16_bits_draws_through_a_vae_that_is_not(family: str) -> None:
    base = loading.load(small_bases.entry(family), dtype=torch.bfloat16)
    assert (base.unet.dtype, base.text_encoder.dtype, base.vae.dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
    (text,) = conditioning.encode_texts(base, ["a photo of a red sock"])
    pooled = PROJECTED if family == "sdxl" else 0
    assert (text.hidden.shape, text.pooled.shape) == ((LENGTH, WIDTHS[family]), (pooled,))
    wanted = samples.Wanted(["a photo of a red sock"], [1], Sampling(steps=2, guidance=3.0), 48, 32, batch_size=2)
    latents, pictures = samples.draw_latents(base, wanted), samples.draw(base, wanted)
    assert (latents.shape, latents.dtype) == ((1, 4, 4, 6), torch.bfloat16)
    assert (pictures.shape, pictures.dtype) == ((1, 3, 32, 48), torch.float32)
    exact = samples.draw(small_bases.base(family), wanted)
    assert 0 < (pictures - exact).abs().max() < 0.05
    mean, _ = conditioning.encode_picture(base, torch.rand(3, 32, 32))
    assert (mean.shape, mean.dtype) == ((4, 4, 4), torch.float32)


def test_a_vae_that_16_bits_suffice_for_stays_in_them(tmp_path: Path) -> None:
    entry = copied(tmp_path, "sdxl")
    settings = entry.folder / "vae" / "config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "force_upcast": False}))
    assert loading.load(entry, dtype=torch.bfloat16).vae.dtype == torch.bfloat16


def test_nothing_of_a_base_learns() -> None:
    base = small_bases.base("sdxl")
    parts = (base.unet, base.vae, base.text_encoder, base.text_encoder_2)
    assert not any(parameter.requires_grad for part in parts for parameter in part.parameters())
    assert not any(part.training for part in parts)


def test_a_base_of_another_family_than_listed_is_refused_with_what_was_found() -> None:
    wrong = dataclasses.replace(small_bases.entry("sdxl"), family="sd15")
    with pytest.raises(BaseUnknown, match=r"listed as sd15.*holds a model of sdxl") as refused:
        loading.load(wrong)
    assert "sdxl" in refused.value.hint


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder_2"])
@pytest.mark.parametrize("fault", ["gone", "pickled", "torn"])
def test_weights_that_are_gone_torn_or_no_safetensors_are_named(tmp_path: Path, part: str, fault: str) -> None:
    entry = copied(tmp_path, "sdxl")
    (weights,) = (entry.folder / part).glob("*.safetensors")
    match fault:
        case "gone":
            weights.unlink()
        case "pickled":
            weights.rename(weights.with_suffix(".bin"))
        case _:
            weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BaseUnknown, match=f"The {part} of base small-sdxl cannot be read") as refused:
        loading.load(entry)
    assert "safetensors" in refused.value.hint


def test_a_model_says_by_its_settings_whether_nothing_is_zeros(tmp_path: Path) -> None:
    entry = copied(tmp_path, "sdxl")
    index = entry.folder / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "force_zeros_for_empty_prompt": False}))
    assert (small_bases.base("sdxl").zeros_for_empty, loading.load(entry).zeros_for_empty) == (True, False)
    assert not loading.load(catalogue.by_name("tiny")).zeros_for_empty


def test_only_a_negative_of_nothing_is_zeros() -> None:
    base = small_bases.base("sdxl")
    nothing, something = conditioning.encode_texts(base, ["", "a sock"])
    assert nothing.hidden.any()
    silent = conditioning.as_negative(base, "", nothing)
    assert not silent.hidden.any()
    assert not silent.pooled.any()
    assert silent.hidden.shape == nothing.hidden.shape
    assert conditioning.as_negative(base, "a sock", something) is something
    assert conditioning.as_negative(small_bases.base("sd15"), "", nothing) is nothing


def test_settings_that_do_not_speak_of_clipping_do_not_clip_latents(tmp_path: Path) -> None:
    entry = copied(tmp_path, "sdxl")
    settings = entry.folder / "scheduler" / "scheduler_config.json"
    kept = json.loads(settings.read_text())
    del kept["clip_sample"]
    settings.write_text(json.dumps(kept))
    assert loading.load(entry).scheduler_config["clip_sample"] is False


def test_a_prompt_that_either_encoder_cuts_is_told_once() -> None:
    base = small_bases.base("sdxl")
    short = dataclasses.replace(base, tokenizer_2=small_bases.tokenizer(model_max_length=5))
    text = "a photo of a red sock on a wooden table"
    assert conditioning.text_problems(base, text) == []
    assert conditioning.text_problems(short, text) == [f"{text!r} is cut at 5 tokens of 12"]
    assert conditioning.text_problems(base, "a zork") == ["the base does not know the word(s) zork"]
