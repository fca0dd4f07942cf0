"""The SDXL class trains as exactly as the first family: fused is alone, and what leaves is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from peft import get_peft_model_state_dict
from torch import Tensor

from jobs.adapters.layout import Layout
from jobs.bases import families, loading
from jobs.bases.loading import Base
from jobs.errors import ExportMismatch
from jobs.spec import Job, TrainRecipe
from jobs.training import export as exports
from jobs.training.export import export
from jobs.training.loss import NoiseSchedule
from jobs.training.prepared import PreparedDataset
from tests.jobs import small_bases
from tests.jobs.adapters.small_unet import adapter, with_peft
from tests.jobs.small_bases import LENGTH, PROJECTED, WIDTHS, ZERO_TERMINAL
from tests.jobs.training import alone, given
from tests.jobs.training.given import difference, run, store_in, trainer

EXACT = 1e-12
LATENT = (4, 6, 6)


def unet_of_its_own(**scheduler: Any) -> Any:
    return loading.load(small_bases.entry("sdxl", **scheduler), dtype=torch.float64).unet


def dataset(seed: int, pictures: int = 5, priors: int = 3) -> PreparedDataset:
    """A random prepared dataset as SDXL hears it: pooled vectors, and a frame of its own for every picture."""
    chance = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=chance, dtype=torch.float64)

    def frames(count: int) -> Tensor:
        return torch.randint(1, 1500, (count, 6), generator=chance)

    return PreparedDataset(
        mean=random(pictures, *LATENT),
        std=random(pictures, *LATENT).abs() * 0.1,
        captions=random(3, LENGTH, WIDTHS["sdxl"]),
        caption_of=torch.arange(pictures) % 3,
        empty=torch.zeros(LENGTH, WIDTHS["sdxl"], dtype=torch.float64),
        prior_latents=random(priors, *LATENT),
        prior_hidden=random(priors, LENGTH, WIDTHS["sdxl"]),
        captions_pooled=random(3, PROJECTED),
        empty_pooled=torch.zeros(PROJECTED, dtype=torch.float64),
        prior_pooled=random(priors, PROJECTED),
        frames=frames(pictures),
        prior_frames=frames(priors),
    )


def job(name: str, base: Base, **settings: Any) -> Job:
    asked = given.job(name, **{"learning_rate": 1e-2, **settings})
    return asked.model_copy(update={"ask": asked.ask.model_copy(update={"base": base.digest})})


def trained_alone(
    start: dict[str, Tensor], recipe: TrainRecipe, data: PreparedDataset, steps: int, **scheduler: Any
) -> dict[str, Tensor]:
    """The oracle: PEFT's layers, torch's AdamW, diffusers' own noise, one project."""
    unet = unet_of_its_own(**scheduler)
    noise = DDPMScheduler.from_config(small_bases.base("sdxl", torch.float64, **scheduler).scheduler_config)
    with_peft(unet, start, recipe.targets, recipe.rank, recipe.alpha, "default")
    parameters = [parameter for name, parameter in unet.named_parameters() if "lora_" in name]
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.99), weight_decay=recipe.weight_decay)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = alone.learning_rate(recipe, step)
        optimizer.zero_grad()
        _loss(unet, noise, recipe, data, step).backward()
        torch.nn.utils.clip_grad_norm_(parameters, recipe.gradient_clip)
        optimizer.step()
    return {f"unet.{name}": tensor for name, tensor in get_peft_model_state_dict(unet).items()}


def _loss(unet: Any, noise: Any, recipe: TrainRecipe, data: PreparedDataset, step: int) -> Tensor:
    chosen = alone.choices(recipe.seed, step, alone.deck(recipe, data))
    samples = (alone.one_sample(data, chosen, number) for number in range(recipe.batch))
    latents, hidden = (torch.stack(part) for part in zip(*samples, strict=True))
    beside = (_beside(data, chosen, number) for number in range(recipe.batch))
    pooled, frames = (torch.stack(part) for part in zip(*beside, strict=True))
    added, steps = chosen.noise.double(), chosen.timesteps
    noisy = noise.add_noise(latents, added, steps)
    is_epsilon = noise.config.prediction_type == "epsilon"
    wanted = added if is_epsilon else noise.get_velocity(latents, added, steps)
    conditions = {"text_embeds": pooled, "time_ids": frames}
    predicted = unet(noisy, steps, hidden, added_cond_kwargs=conditions, return_dict=False)[0]
    weights = NoiseSchedule.of(dict(noise.config)).weights(recipe.min_snr_gamma)[steps]
    return ((predicted - wanted).square().mean((1, 2, 3)) * weights).mean()


def _beside(data: PreparedDataset, chosen: Any, sample: int) -> tuple[Tensor, Tensor]:
    """Pooled vector [width] and frame [6] of one sample; a blank caption keeps the frame."""
    index = chosen.pictures[sample]
    if chosen.is_prior[sample]:
        pooled, frame = data.prior_pooled[index], data.prior_frames[index]
    else:
        pooled, frame = data.captions_pooled[data.caption_of[index]], data.frames[index]
    return data.empty_pooled if chosen.is_blank[sample] else pooled, frame


@pytest.mark.parametrize("scheduler", [{}, ZERO_TERMINAL], ids=["epsilon", "v from pure noise"])
def test_three_projects_fused_on_an_sdxl_base_are_each_as_if_alone(tmp_path: Path, scheduler: dict[str, Any]) -> None:
    base = small_bases.base("sdxl", torch.float64, **scheduler)
    one = trainer(store_in(tmp_path), base)
    settings = [
        {"rank": 2, "alpha": 2.0, "prior": 0.25},
        {"rank": 4, "alpha": 1.0, "targets": "attention", "caption_dropout": 0.5},
        {"rank": 3, "alpha": 6.0, "targets": "conv", "seed": 11},
    ]
    jobs = [job(name, base, batch=2, steps=8, **each) for name, each in zip("abc", settings, strict=True)]
    data = [dataset(seed) for seed in range(3)]
    for asked, prepared in zip(jobs, data, strict=True):
        one.admit(asked, 1, prepared)
    starts = [one.state(asked.id) for asked in jobs]
    assert all([report.company for report in step] == [3, 3, 3] for step in run(one, 8))
    for asked, start, prepared in zip(jobs, starts, data, strict=True):
        oracle = trained_alone(start, one.project(asked.id).recipe, prepared, 8, **scheduler)
        assert difference(start, oracle) > 1e-2, "the oracle has not moved, so agreeing with it would show nothing"
        assert difference(one.state(asked.id), oracle) < EXACT
        one.release(asked.id)


def test_an_sdxl_base_in_16_bits_is_trained_with_rows_that_are_not(tmp_path: Path) -> None:
    curves = []
    for dtype in (torch.bfloat16, torch.float32):
        base = small_bases.base("sdxl", dtype)
        one = trainer(store_in(tmp_path / str(dtype)), base)
        asked = job("a", base, batch=2, steps=6)
        one.admit(asked, 1, dataset(0))
        run(one, 6)
        assert {tensor.dtype for tensor in one.state(asked.id).values()} == {torch.float32}
        curves.append(one.project(asked.id).losses)
        one.release(asked.id)
    assert curves[0] == pytest.approx(curves[1], rel=0.02)
    assert curves[0] != curves[1]


def test_an_adapter_of_an_sdxl_base_is_exported_and_loaded_whole_by_its_pipeline(tmp_path: Path) -> None:
    base = small_bases.base("sdxl")
    tensors = adapter(base.unet, "default", rank=2, seed=0)
    exported = export(base, {name: tensor.float() for name, tensor in tensors.items()}, 3.0, "default")
    (tmp_path / exports.FILE).write_bytes(exported.data)
    stranger = loading.load(small_bases.entry("sdxl"))
    pipeline = StableDiffusionXLPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        tokenizer=base.tokenizer,
        text_encoder_2=base.text_encoder_2,
        tokenizer_2=base.tokenizer_2,
        unet=stranger.unet,
        scheduler=None,
    )
    pipeline.load_lora_weights(str(tmp_path), weight_name=exports.FILE, local_files_only=True)
    assert sum("lora_" in name for name, _ in pipeline.unet.named_parameters()) == len(tensors)


def test_the_proof_of_an_export_feels_the_added_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    base = small_bases.base("sdxl")
    tensors = adapter(base.unet, "default", rank=2, seed=0)
    only = {name: tensor.float() * ("add_embedding" in name) for name, tensor in tensors.items()}
    faithful = exports._reloaded

    def louder(unet: Any, data: bytes) -> Any:
        plain = faithful(unet, data)
        plain.set_adapters(list(plain.peft_config), [2.0])
        return plain

    assert export(base, only, 2.0, "default").rank == 2
    monkeypatch.setattr(exports, "_reloaded", louder)
    with pytest.raises(ExportMismatch, match="outputs differ"):
        export(base, only, 2.0, "default")


def test_the_target_sets_name_the_layers_of_the_real_sdxl() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
    attention, default = (Layout.of(unet, targets, 16) for targets in ("attention", "default"))
    assert (len(attention.layers), attention.width) == (560, 23_224_320)
    beside = set(default.names) - set(attention.names)
    assert {"add_embedding.linear_1", "add_embedding.linear_2"} < beside
    assert sum(".ff.net." in name for name in beside) == 140
    assert families.FAMILIES["sdxl"].pooled_width(unet.config) == 1280
