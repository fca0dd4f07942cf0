"""The arithmetic of one adapted layer: `base(x) + (x A^T) B^T`, with one A and B per group of samples. Knows no bank.

A group is `each` consecutive samples of the batch. Scales are folded into B before, so nothing here multiplies by one.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def adapted(module: nn.Module, x: Tensor, base: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """The layer's output with the groups' adapters: x and base hold the batch, a is [G, r, in...] and b is [G, r, out]."""
    if isinstance(module, nn.Conv2d):
        return _convolution(module, x, base, a, b)
    groups, inputs = a.shape[0], a.shape[-1]
    hidden = x.reshape(groups, -1, inputs).bmm(a.transpose(1, 2))  # [G, each * tokens, r]
    return base.reshape(groups, -1, base.shape[-1]).baddbmm(hidden, b).view(base.shape)


def _convolution(module: nn.Conv2d, x: Tensor, base: Tensor, a: Tensor, b: Tensor) -> Tensor:
    each = x.shape[0] // a.shape[0]
    hidden = _hidden(module, x, _per_sample(a, each))  # [N, r, h * w]
    raised = base.flatten(2).baddbmm(_per_sample(b, each).transpose(1, 2), hidden)
    return raised.view(base.shape)


def _hidden(module: nn.Conv2d, x: Tensor, a: Tensor) -> Tensor:
    samples, rank = a.shape[:2]
    if module.kernel_size == (1, 1) and module.stride == (1, 1) and module.padding == (0, 0):
        return a.flatten(2).bmm(x.flatten(2))
    grouped = F.conv2d(
        x.reshape(1, -1, *x.shape[2:]),
        a.reshape(samples * rank, *a.shape[2:]),
        stride=module.stride,
        padding=module.padding,
        dilation=module.dilation,
        groups=samples,
    )
    return grouped.view(samples, rank, -1)


def _per_sample(weights: Tensor, each: int) -> Tensor:
    """[G, ...] to [G * each, ...], every group's weights once per sample of it."""
    if each == 1:
        return weights
    return weights.unsqueeze(1).expand(-1, each, *weights.shape[1:]).flatten(0, 1)
