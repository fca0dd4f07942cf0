"""Samples and prior pictures come from the resident base, each from its own prompt and seed alone."""

from __future__ import annotations

import pytest
import torch

from jobs.adapters.bank import Bank
from jobs.adapters.layout import Layout
from jobs.errors import DatasetInvalid
from jobs.generation import priors, samples
from jobs.shots import Sampling
from tests.jobs.generation.given import PROMPTS, SIDE, adapter, tiny

FEW = Sampling(steps=2, guidance=2.0)


def wanted(prompts: tuple[str, ...], seeds: tuple[int, ...]) -> samples.Wanted:
    return samples.Wanted(prompts, seeds, FEW, SIDE, SIDE, batch_size=2)


def test_a_sample_is_of_its_own_prompt_seed_and_row() -> None:
    bank = Bank(tiny().unet, Layout.of(tiny().unet, "default", 8), slots=2, dtype=torch.float32, trainable=True)
    bank.load(0, adapter(1))
    bank.load(1, adapter(2))
    three = samples.draw(tiny(), wanted(PROMPTS, (1, 2, 3)), bank, slot=1)
    last = samples.draw(tiny(), wanted(PROMPTS[2:], (3,)), bank, slot=1)
    other = samples.draw(tiny(), wanted(PROMPTS[2:], (3,)), bank, slot=0)
    bank.detach()
    bare = samples.draw(tiny(), wanted(PROMPTS[2:], (3,)))
    assert three.shape == (3, 3, SIDE, SIDE)
    assert not three.requires_grad
    assert torch.equal(three[2], last[0])
    assert len({picture.numpy().tobytes() for picture in (last, other, bare)}) == 3


def test_prior_pictures_depend_on_their_caption_and_seed_alone() -> None:
    def prior(captions: list[str], count: int, seed: int = 7) -> tuple[torch.Tensor, list[str]]:
        return priors.prior_latents(tiny(), captions, seed, count, FEW, width=SIDE, height=SIDE, batch_size=2)

    latents, captions = prior([PROMPTS[0], PROMPTS[1]], 3)
    assert latents.shape == (3, 8, SIDE // 4, SIDE // 4)
    assert captions == [PROMPTS[0], PROMPTS[1], PROMPTS[0]]
    assert not torch.equal(latents[0], latents[2])  # the same caption again is another picture
    assert torch.equal(prior([PROMPTS[1]], 1)[0][0], latents[1])
    assert not torch.equal(prior([PROMPTS[1]], 1, seed=8)[0][0], latents[1])


def test_prior_pictures_without_captions_are_refused() -> None:
    with pytest.raises(DatasetInvalid):
        priors.prior_latents(tiny(), [], 7, 1, FEW, width=SIDE, height=SIDE)


@pytest.mark.parametrize(
    ("caption", "bare"),
    [
        ("a photo of a stblsx sock, at night", "a photo of a sock, at night"),
        ("stblsx sock", "sock"),
        ("a sock by stblsx, at night", "a sock by, at night"),
        ("a stblsxy sock", "a stblsxy sock"),
        ("stblsx, a sock", "a sock"),
    ],
)
def test_a_caption_without_its_trigger_reads_on(caption: str, bare: str) -> None:
    assert priors.without_trigger(caption, "stblsx") == bare
