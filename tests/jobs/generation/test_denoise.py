"""The loop agrees with diffusers' own pipeline, sampler by sampler, with an adapter and without."""

from __future__ import annotations

import warnings

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionPipeline
from torch import Tensor

from jobs.adapters.bank import Bank
from jobs.adapters.layout import Layout
from jobs.bases import catalogue
from jobs.errors import RecipeInvalid
from jobs.generation import noise, samples, schedulers
from jobs.shots import Sampling
from tests.jobs.generation.given import PROMPTS, adapter, tiny

SIDE = 64
SEEDS = (11, 12, 13)
CLOSE = 1e-3
SCHEDULERS = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler}


def pipeline(sampler: str) -> StableDiffusionPipeline:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers warns of its own deprecations while it loads
        pipe = StableDiffusionPipeline.from_pretrained(
            str(catalogue.by_name("tiny").folder),
            torch_dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
        )
    pipe.scheduler = SCHEDULERS[sampler].from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn_by_diffusers(pipe: StableDiffusionPipeline, guidance: float, **how: object) -> Tensor:
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation")  # see schedulers.make
        images = pipe(
            prompt=list(PROMPTS),
            num_inference_steps=5,
            guidance_scale=guidance,
            generator=generators,
            height=SIDE,
            width=SIDE,
            output_type="pt",
            **how,
        ).images
    return torch.as_tensor(images)


def wanted(sampler: str, guidance: float, negative: str = "") -> samples.Wanted:
    sampling = Sampling(name=sampler, steps=5, guidance=guidance)
    return samples.Wanted(PROMPTS, SEEDS, sampling, SIDE, SIDE, negative=negative, batch_size=4)


@pytest.mark.parametrize("sampler", ["ddim", "euler"])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_base_draws_what_the_diffusers_pipeline_draws(sampler: str, guidance: float) -> None:
    theirs = drawn_by_diffusers(pipeline(sampler), guidance)
    ours = samples.draw(tiny(), wanted(sampler, guidance))
    assert (ours - theirs).abs().max() <= CLOSE
    assert theirs.std() > 0.05  # pictures, not a grey that anything would match


def test_a_negative_prompt_is_heard_as_diffusers_hears_it() -> None:
    negative = "a photo of a red sock"
    theirs = drawn_by_diffusers(pipeline("ddim"), 3.0, negative_prompt=[negative] * 3)
    ours = samples.draw(tiny(), wanted("ddim", 3.0, negative))
    assert (ours - theirs).abs().max() <= CLOSE
    assert (ours - samples.draw(tiny(), wanted("ddim", 3.0))).abs().max() > 10 * CLOSE


@pytest.mark.parametrize("targets", ["default", "conv"])
def test_an_adapter_is_worn_as_diffusers_and_peft_wear_it(targets: str) -> None:
    tensors = adapter(5, rank=8, targets=targets)
    pipe = pipeline("ddim")
    pipe.load_lora_weights(dict(tensors))
    theirs = drawn_by_diffusers(pipe, 3.0)
    bank = Bank(tiny().unet, Layout.of(tiny().unet, targets, 16), slots=2)
    bank.load(1, tensors)
    ours = samples.draw(tiny(), wanted("ddim", 3.0), bank, slot=1)
    bare = samples.draw(tiny(), wanted("ddim", 3.0))
    bank.detach()
    assert (ours - theirs).abs().max() <= CLOSE
    assert (ours - bare).abs().max() > 10 * CLOSE  # the adapter is seen


def test_noise_is_of_its_seed_alone() -> None:
    both = noise.batch(tiny(), [3, 4], SIDE, SIDE)
    assert both.shape == (2, 8, 16, 16)
    assert torch.equal(both[1], noise.batch(tiny(), [4], SIDE, SIDE)[0])
    assert torch.equal(noise.initial(-1, (8, 4, 4)), noise.initial(2**64 - 1, (8, 4, 4)))


@pytest.mark.parametrize("sampling", [Sampling(name="heun"), Sampling(steps=0), Sampling(steps=1001)])
def test_a_sampler_that_cannot_be_is_refused_with_a_hint(sampling: Sampling) -> None:
    with pytest.raises(RecipeInvalid) as refused:
        schedulers.make(tiny().scheduler_config, sampling)
    assert refused.value.hint
