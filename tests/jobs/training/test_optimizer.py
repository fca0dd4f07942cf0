"""Each row of the vectorised update is torch's own AdamW, at its own pace."""

from __future__ import annotations

from itertools import pairwise

import torch

from jobs.training import optimizer
from jobs.training.optimizer import STILL, Moments, Pace
from tests.jobs.training.given import recipe


def test_rows_at_their_own_pace_move_as_torch_moves_them_alone() -> None:
    chance = torch.Generator().manual_seed(0)
    start = torch.randn(3, 50, generator=chance, dtype=torch.float64)
    rates, decays, clips, joined = (1e-2, 3e-3, 0.3), (0.0, 0.1, 0.01), (1.0, 0.01, 100.0), (0, 4, 9)
    weights, moments = start.clone(), Moments.zeros_like(start)
    alone = [torch.nn.Parameter(row.clone()) for row in start]
    theirs = [
        torch.optim.AdamW([row], lr=rate, weight_decay=decay, betas=(0.9, 0.99))
        for row, rate, decay in zip(alone, rates, decays, strict=True)
    ]
    for step in range(30):
        gradient = torch.randn(3, 50, generator=chance, dtype=torch.float64)
        active = torch.tensor([step >= first for first in joined])
        paces = [
            Pace(max(1, step - first + 1), rate, decay, clip)
            for first, rate, decay, clip in zip(joined, rates, decays, clips, strict=True)
        ]
        optimizer.update(weights, moments, torch.arange(3), gradient, paces, active)
        for row in range(3):
            if active[row]:
                alone[row].grad = gradient[row].clone()
                torch.nn.utils.clip_grad_norm_([alone[row]], clips[row])
                theirs[row].step()
    assert (weights - start).abs().max() > 0.1
    assert max(float((weights[row] - alone[row].detach()).abs().max()) for row in range(3)) < 1e-12


def test_rows_that_are_not_active_keep_weights_and_moments_whatever_their_gradient() -> None:
    weights = torch.ones(3, 4)
    moments = Moments(torch.full((3, 4), 2.0), torch.full((3, 4), 3.0))
    gradient = torch.tensor([[float("nan")] * 4, [1.0] * 4])
    pace = Pace(step=1, learning_rate=0.1, weight_decay=0.0, clip=1.0)
    optimizer.update(weights, moments, torch.tensor([2, 0]), gradient, [pace, STILL], torch.tensor([False, False]))
    assert [each.unique().tolist() for each in (weights, moments.mean, moments.square)] == [[1], [2], [3]]
    optimizer.update(weights, moments, torch.tensor([2, 0]), gradient, [pace, pace], torch.tensor([False, True]))
    assert (weights[1:] == 1).all()
    assert (weights[0] < 1).all()


def test_the_rate_warms_up_and_then_falls_in_a_straight_line_to_a_tenth() -> None:
    asked = recipe(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [optimizer.pace(asked, step).learning_rate for step in range(1, 101)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1 - 0.9 * 9 / 100
    assert all(later < earlier for earlier, later in pairwise(rates[9:]))
    assert abs(rates[-1] - 0.109) < 1e-12
    assert optimizer.pace(recipe(warmup_steps=0, learning_rate=1.0), 1).learning_rate == 1.0
