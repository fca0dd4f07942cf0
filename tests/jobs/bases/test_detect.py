"""A folder's family is read from its settings, and what is of no family is refused with what was found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.bases import detect
from jobs.errors import BaseUnknown

TINY = Path(detect.__file__).parent / "tiny"


def folder(
    where: Path, pipeline: str = "StableDiffusionXLPipeline", unet: dict[str, Any] | None = None, **parts: Any
) -> Path:
    """A model's settings without its weights; what is named overrides the settings of an SDXL model."""
    index = {"_class_name": pipeline, **{part: ["library", "Class"] for part in detect.PARTS["sdxl"]}, **parts}
    whole = {"_class_name": "UNet2DConditionModel", "in_channels": 4, "sample_size": 128}
    written = {
        "model_index.json": index,
        "unet/config.json": {**whole, "addition_embed_type": "text_time", **(unet or {})},
        "vae/config.json": {"_class_name": "AutoencoderKL", "latent_channels": 4, "block_out_channels": [1, 2, 4, 4]},
    }
    for name, settings in written.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(json.dumps(settings))
    return where


def test_the_tiny_base_is_of_the_first_family() -> None:
    assert (detect.detect(TINY), detect.native_resolution(TINY)) == ("sd15", 64)


def test_each_pipeline_is_of_its_family_at_its_resolution(tmp_path: Path) -> None:
    xl = folder(tmp_path / "xl")
    assert (detect.detect(xl), detect.native_resolution(xl)) == ("sdxl", 1024)
    plain = {"addition_embed_type": None, "sample_size": 64}
    one = folder(tmp_path / "one", "StableDiffusionPipeline", plain, text_encoder_2=[None, None])
    assert (detect.detect(one), detect.native_resolution(one)) == ("sd15", 512)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pipeline": "FluxPipeline"}, "FluxPipeline"),
        ({"pipeline": "StableDiffusionXLImg2ImgPipeline"}, "Img2Img"),
        ({"text_encoder": [None, None]}, "no text_encoder, which sdxl needs"),
        ({"unet": {"addition_embed_type": None}}, "addition_embed_type None, which is not sdxl's"),
        ({"pipeline": "StableDiffusionPipeline"}, "addition_embed_type 'text_time', which is not sd15's"),
        ({"unet": {"in_channels": 9}}, "9 channels"),
        ({"unet": {"time_cond_proj_dim": 256}}, "distilled"),
        ({"unet": {"_class_name": "SomethingElse"}}, "SomethingElse"),
    ],
)
def test_what_is_of_no_family_is_refused_with_what_was_found(
    tmp_path: Path, changes: dict[str, Any], found: str
) -> None:
    with pytest.raises(BaseUnknown, match=found) as refused:
        detect.detect(folder(tmp_path, **changes))
    assert "sd15" in refused.value.hint
    assert "sdxl" in refused.value.hint


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseUnknown, match=r"no model_index\.json"):
        detect.detect(tmp_path)
    (tmp_path / "model_index.json").write_text("{torn")
    with pytest.raises(BaseUnknown, match="cannot be read"):
        detect.detect(tmp_path)
    (tmp_path / "model_index.json").write_text("[]")
    with pytest.raises(BaseUnknown, match="no JSON object"):
        detect.detect(tmp_path)


def test_a_resolution_that_the_settings_do_not_say_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(BaseUnknown, match="sample size None"):
        detect.native_resolution(folder(tmp_path, unet={"sample_size": None}))


def test_to_detect_needs_no_library_of_models() -> None:
    code = "import sys, jobs.bases.detect; assert not {'torch', 'diffusers', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
