"""AdamW over rows: one vectorised update, every row with its own step, learning rate, decay, clip and say in it.

Each row's arithmetic is that of torch.optim.AdamW after clip_grad_norm_ (Loshchilov and Hutter, arXiv 1711.05101).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from jobs.spec import TrainRecipe

BETAS = (0.9, 0.99)
EPSILON = 1e-8


@dataclass(frozen=True)
class Pace:
    """How one row moves in one update. step counts from 1; clip is the largest norm of its gradient."""

    step: int
    learning_rate: float
    weight_decay: float
    clip: float


STILL = Pace(step=1, learning_rate=0.0, weight_decay=0.0, clip=1.0)
"""For a row that only fills the shape."""


@dataclass(frozen=True)
class Moments:
    """Running means of gradients and of their squares, [slots, P] each."""

    mean: Tensor
    square: Tensor

    @classmethod
    def zeros_like(cls, weights: Tensor) -> Moments:
        return cls(torch.zeros_like(weights), torch.zeros_like(weights))


def pace(recipe: TrainRecipe, step: int) -> Pace:
    """The pace of a recipe's update number `step`, from 1: warm-up, then a straight line down to a tenth."""
    done = step - 1
    warm = min(1.0, step / recipe.warmup_steps) if recipe.warmup_steps else 1.0
    return Pace(
        step=step,
        learning_rate=recipe.learning_rate * warm * (1 - 0.9 * done / recipe.steps),
        weight_decay=recipe.weight_decay,
        clip=recipe.gradient_clip,
    )


def norms(gradient: Tensor) -> Tensor:
    """The norm of each row's gradient [K], float64 so that the sum's order hardly matters; not finite where any of it is not."""
    found: Tensor = torch.linalg.vector_norm(gradient, dim=1, dtype=torch.float64)
    return found


def update(
    weights: Tensor, moments: Moments, rows: Tensor, gradient: Tensor, paces: Sequence[Pace], active: Tensor
) -> None:
    """One AdamW step, in place, of weights[rows] by gradient [K, P]; rows whose `active` [K] is False stay as they are.

    All K rows are computed, so that the bits of one never depend on which others are active.
    """
    like = gradient
    mean, square, weight = moments.mean[rows], moments.square[rows], weights[rows]
    clipped = gradient * _column([pace.clip for pace in paces], like).div(
        norms(gradient).to(like)[:, None] + 1e-6
    ).clamp(max=1.0)
    weight *= _column([1 - pace.learning_rate * pace.weight_decay for pace in paces], like)
    mean += (clipped - mean) * (1 - BETAS[0])
    square = square * BETAS[1] + clipped.square() * (1 - BETAS[1])
    roots = square.sqrt() / _column([(1 - BETAS[1] ** pace.step) ** 0.5 for pace in paces], like)
    weight -= (
        mean / (roots + EPSILON) * _column([pace.learning_rate / (1 - BETAS[0] ** pace.step) for pace in paces], like)
    )
    chosen = rows[active]
    weights[chosen], moments.mean[chosen], moments.square[chosen] = weight[active], mean[active], square[active]


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).to(like)[:, None]
