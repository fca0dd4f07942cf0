"""Every family draws what its diffusers pipeline draws: mixed batches against one call an image, in single precision."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline
from safetensors.torch import save
from torch import Tensor

from jobs import blobs
from jobs.adapters.layout import A, B, Layout
from jobs.errors import RecipeInvalid
from jobs.generation.renderer import Renderer
from jobs.ports import ObjectStore
from jobs.shots import AdapterUse, Recipe, Sampling
from tests.jobs import small_bases
from tests.jobs.generation.given import PROMPTS, store_in
from tests.jobs.small_bases import FAMILIES, ZERO_TERMINAL

CLOSE = 1e-3
WIDTH, HEIGHT = 80, 48
BATCH = 4
NEGATIVE = "a photo of a blue mug"
PIPELINES = {"sd15": StableDiffusionPipeline, "sdxl": StableDiffusionXLPipeline}
SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}


@cache
def pipeline(family: str, **scheduler: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers warns of its own deprecations while it loads
        pipe = PIPELINES[family].from_pretrained(
            str(small_bases.folder(family, **scheduler)), use_safetensors=True, local_files_only=True
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn_by_diffusers(pipe: Any, recipe: Recipe, tensors: dict[str, Tensor]) -> Tensor:
    """One image, the ordinary way."""
    pipe.scheduler = SCHEDULERS[recipe.sampling.name].from_config(pipe.scheduler.config)
    for use in recipe.adapters:
        pipe.load_lora_weights(dict(tensors), adapter_name="brand")
        pipe.set_adapters(["brand"], [use.strength])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation")  # see schedulers.make
        images = pipe(
            prompt=recipe.prompt,
            negative_prompt=recipe.negative or None,
            num_inference_steps=recipe.sampling.steps,
            guidance_scale=recipe.sampling.guidance,
            generator=torch.Generator().manual_seed(recipe.seed),
            width=recipe.width,
            height=recipe.height,
            output_type="pt",
        ).images
    pipe.unload_lora_weights()
    return torch.as_tensor(images[0])


def adapter(family: str) -> dict[str, Tensor]:
    """Random weights on every layer that the default set names, strong enough to be seen."""
    chance = torch.Generator().manual_seed(3)
    layout = Layout.of(small_bases.base(family).unet, "default", 4)
    empty = layout.unpack(torch.zeros(layout.width), 4, layout.names)
    return {
        name: torch.randn(tensor.shape, generator=chance) * (0.3 if name.endswith(A) else 0.1)
        for name, tensor in empty.items()
    }


def recipe(seed: int, sampler: str, guidance: float, negative: str = "", *uses: AdapterUse) -> Recipe:
    return Recipe(
        base="0" * 64,
        adapters=uses,
        prompt=PROMPTS[seed % 3],
        negative=negative,
        seed=seed,
        width=WIDTH,
        height=HEIGHT,
        sampling=Sampling(name=sampler, steps=5, guidance=guidance),
        finish=(),
    )


def mixed(store: ObjectStore, family: str, sampler: str, *guidance: float) -> list[Recipe]:
    """Four shots: bare, with a negative prompt, with an adapter, with both and the adapter at 0.7."""
    digest = blobs.put(store, save(adapter(family)))
    whole, less = (AdapterUse(digest=digest, strength=strength) for strength in (1.0, 0.7))
    wearing: list[tuple[Any, ...]] = [("",), (NEGATIVE,), ("", whole), (NEGATIVE, less)]
    return [recipe(seed, sampler, guidance[seed % len(guidance)], *each) for seed, each in enumerate(wearing, start=11)]


def drawn(store: ObjectStore, family: str, recipes: list[Recipe], **scheduler: Any) -> Tensor:
    renderer = Renderer(small_bases.base(family, **scheduler), store, BATCH, slots=2)
    for one in recipes:
        renderer.prepare(one, recipes)
    pictures = renderer.draw(recipes)
    renderer.close()
    return pictures


@pytest.mark.parametrize("guidance", [(1.0,), (5.0, 2.5)])
@pytest.mark.parametrize("sampler", ["ddim", "euler"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_mixed_batch_is_what_the_familys_pipeline_draws_one_by_one(
    tmp_path: Path, family: str, sampler: str, guidance: tuple[float, ...]
) -> None:
    store = store_in(tmp_path)
    recipes, tensors = mixed(store, family, sampler, *guidance), adapter(family)
    ours = drawn(store, family, recipes)
    theirs = torch.stack([drawn_by_diffusers(pipeline(family), one, tensors) for one in recipes])
    assert (ours - theirs).abs().max() <= CLOSE
    assert theirs.std() > 0.05  # pictures, not a grey that anything would match


@pytest.mark.parametrize("sampler", ["ddim", "euler"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_that_predicts_v_from_pure_noise_is_drawn_as_by_its_pipeline(
    tmp_path: Path, family: str, sampler: str
) -> None:
    store = store_in(tmp_path)
    recipes = mixed(store, family, sampler, 5.0)[:2]
    ours = drawn(store, family, recipes, **ZERO_TERMINAL)
    theirs = torch.stack([drawn_by_diffusers(pipeline(family, **ZERO_TERMINAL), one, {}) for one in recipes])
    assert (ours - theirs).abs().max() <= CLOSE
    assert (ours - drawn(store, family, recipes)).abs().max() > 10 * CLOSE  # the settings are heard


@pytest.mark.parametrize("family", FAMILIES)
def test_prompt_negative_adapter_and_strength_are_all_seen(tmp_path: Path, family: str) -> None:
    store = store_in(tmp_path)
    use = AdapterUse(digest=blobs.put(store, save(adapter(family))))
    bare = recipe(11, "ddim", 5.0)
    others = [
        bare.model_copy(update={"prompt": PROMPTS[0]}),
        bare.model_copy(update={"negative": NEGATIVE}),
        bare.model_copy(update={"adapters": (use,)}),
        bare.model_copy(update={"adapters": (use.model_copy(update={"strength": 0.7}),)}),
    ]
    plain = drawn(store, family, [bare])[0]
    pictures = drawn(store, family, others)
    distances = [(picture - plain).abs().max() for picture in pictures] + [(pictures[2] - pictures[3]).abs().max()]
    assert min(distances) > 10 * CLOSE


def test_an_image_of_an_sdxl_base_has_the_same_bits_alone_and_in_a_mixed_batch(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    recipes = mixed(store, "sdxl", "euler", 5.0, 2.5)
    together = drawn(store, "sdxl", recipes)
    reversed_ = drawn(store, "sdxl", recipes[::-1]).flip(0)
    alone = torch.cat([drawn(store, "sdxl", [one]) for one in recipes])
    assert torch.equal(together, reversed_)
    assert torch.equal(together, alone)


@pytest.mark.parametrize("encoder", ["text_encoder", "text_encoder_2"])
def test_an_adapter_of_a_text_encoder_is_refused_before_the_batch(tmp_path: Path, encoder: str) -> None:
    store = store_in(tmp_path)
    layer = f"{encoder}.text_model.encoder.layers.0.self_attn.q_proj"
    foreign = {f"{layer}{A}": torch.ones(4, 24), f"{layer}{B}": torch.ones(24, 4)}
    use = AdapterUse(digest=blobs.put(store, save({**adapter("sdxl"), **foreign})))
    renderer = Renderer(small_bases.base("sdxl"), store, BATCH, slots=2)
    with pytest.raises(RecipeInvalid, match=f"{encoder}.*foreign"):
        renderer.prepare(recipe(11, "ddim", 5.0, "", use))
    renderer.close()
