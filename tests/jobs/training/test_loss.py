"""What is predicted, what is weighed, and where min-SNR needs a floor."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler

from jobs.errors import RecipeInvalid
from jobs.training.loss import NoiseSchedule, per_project

ZERO_TERMINAL = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


def schedule(**settings: object) -> NoiseSchedule:
    return NoiseSchedule.of({**ZERO_TERMINAL, **settings})


def test_noising_and_the_velocity_are_those_of_diffusers() -> None:
    latents, noise = torch.randn(2, 3, 4, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    timesteps = torch.tensor([3, 500, 999])
    theirs = DDIMScheduler.from_config(ZERO_TERMINAL)
    ours = schedule()
    assert torch.allclose(ours.noisy(latents, noise, timesteps), theirs.add_noise(latents, noise, timesteps), atol=1e-6)
    assert torch.allclose(
        ours.target(latents, noise, timesteps), theirs.get_velocity(latents, noise, timesteps), atol=1e-6
    )
    assert torch.equal(schedule(prediction_type="epsilon").target(latents, noise, timesteps), noise)


def test_at_zero_terminal_snr_the_last_timestep_still_learns() -> None:
    ours = schedule()
    weights = ours.weights(5.0)
    assert ours.kept[-1] == 0
    assert weights[-1] > 0
    assert torch.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1)


def test_min_snr_weighs_as_its_paper_says_up_to_the_floor_and_the_mean() -> None:
    plain = schedule(prediction_type="epsilon", rescale_betas_zero_snr=False)
    snr = plain.kept / (1 - plain.kept)
    expected = torch.minimum(snr, torch.tensor(5.0)) / snr
    assert torch.allclose(plain.weights(5.0), expected / expected.mean())
    assert torch.isfinite(schedule(prediction_type="epsilon").weights(5.0)).all()


def test_a_projects_loss_is_the_mean_over_its_own_samples() -> None:
    predicted, target = torch.zeros(4, 1, 2, 2), torch.ones(4, 1, 2, 2)
    target[2:] = 3
    losses = per_project(predicted, target, torch.tensor([1.0, 3.0, 1.0, 1.0]), projects=2)
    assert losses.tolist() == [2.0, 9.0]


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(RecipeInvalid, match="predicts 'sample'"):
        schedule(prediction_type="sample")
    with pytest.raises(RecipeInvalid, match="min_snr_gamma"):
        schedule().weights(0.0)
