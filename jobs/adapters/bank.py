"""The adapter bank `W[slots, P]`: one flat row per adapter beside one frozen UNet. Knows no recipe, no store, no optimiser.

The UNet stays itself: hooks on its layers add the adapters, and only inside `with bank.rows(...)`. To load, clear, move or
save an adapter is to write or read a row. Several banks may hang on one UNet; one is active at a time, in one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from jobs.adapters.applied import adapted
from jobs.adapters.layout import Layout, names_of, rank_of

NO_ADAPTER = -1
"""The row that adds nothing: reserved, always zero."""


@dataclass(frozen=True)
class Held:
    """What a slot holds: an adapter of this rank and alpha on these layers."""

    rank: int
    alpha: float
    names: frozenset[str]

    @property
    def scale(self) -> float:
        """What B is multiplied by when the adapter acts."""
        return self.alpha / self.rank


class Activation:
    """The rows of one batch while they act: gathered once, scaled, and cut into every layer's A and B."""

    def __init__(self, layout: Layout, rows: Tensor, scales: Tensor, each: int, dtype: torch.dtype, trainable: bool):
        """rows [G, M, P] (M adapters side by side per group), scales [G, M]; both are consumed."""
        self._scales, self._a_width, self.each = scales, layout.a_width, each
        rows[..., self._a_width :] *= scales[..., None]
        self._leaf = rows.requires_grad_(trainable)
        pieces = torch.split(self._leaf.to(dtype), layout.sizes, dim=-1)
        groups = rows.shape[0]
        count = len(layout.layers)
        self.a = [
            piece.reshape(groups, -1, *layer.inputs) for piece, layer in zip(pieces[:count], layout.layers, strict=True)
        ]
        self.b = [
            piece.reshape(groups, -1, layer.outputs) for piece, layer in zip(pieces[count:], layout.layers, strict=True)
        ]

    def gradient(self) -> Tensor:
        """The gradient [G, P] of the rows themselves, after a backward pass through a trainable bank."""
        assert self._leaf.grad is not None, "no backward pass has reached these rows"
        gradient = self._leaf.grad[:, 0]
        gradient[:, self._a_width :] *= self._scales
        return gradient


class Bank:
    """`slots` adapters of one layout beside a frozen UNet; `trainable` says whether gradients of the active rows are wanted."""

    def __init__(
        self,
        unet: Any,
        layout: Layout,
        slots: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        trainable: bool = False,
    ):
        """Reserve the rows and hang the hooks. device and dtype are the UNet's unless said; keep rows that train in float32."""
        self.layout, self.slots, self.trainable = layout, slots, trainable
        self._acting_dtype: torch.dtype = unet.dtype
        self.weights = torch.zeros(slots + 1, layout.width, device=device or unet.device, dtype=dtype or unet.dtype)
        self._scales = torch.zeros(slots + 1, device=self.weights.device, dtype=self.weights.dtype)
        self._held: list[Held | None] = [None] * slots
        self._active: Activation | None = None
        self._unet = unet
        self._hooks: list[RemovableHandle] = []
        self.hang()

    def hang(self) -> None:
        """Hang the hooks behind those of every other bank: where several add to one layer, the order decides the last bit."""
        self.detach()
        self._hooks = [
            self._unet.get_submodule(layer.name).register_forward_hook(self._hook(index))
            for index, layer in enumerate(self.layout.layers)
        ]

    def detach(self) -> None:
        """Take the hooks off; the UNet is as it was before the bank. The rows stay readable."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    @contextmanager
    def rows(self, rows: Tensor, strengths: Tensor | None = None, each: int = 1) -> Iterator[Activation]:
        """Let sample n of every UNet call within get the adapter in row rows[n // each], at that strength (default 1).

        rows is [G], or [G, M] for M adapters side by side on each image; NO_ADAPTER adds exactly nothing. The batch
        of a call must be G * each: `each` consecutive samples share a row, which is faster than naming it each time.
        """
        assert self._hooks, "this bank was detached"
        assert self._active is None, "this bank's rows act already"
        self._active = self._activation(rows, strengths, each)
        try:
            yield self._active
        finally:
            self._active = None

    def _activation(self, rows: Tensor, strengths: Tensor | None, each: int) -> Activation:
        chosen = rows.to(self.weights.device).view(len(rows), -1)
        scales = self._scales[chosen]
        if strengths is not None:
            scales *= strengths.to(scales).view(chosen.shape)
        wants_gradient = self.trainable and torch.is_grad_enabled()
        assert not wants_gradient or chosen.shape[1] == 1, "several adapters on one image can act, not train"
        return Activation(self.layout, self.weights[chosen], scales, each, self._acting_dtype, wants_gradient)

    def _hook(self, index: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            active = self._active
            if active is None:
                return None
            a, b = active.a[index], active.b[index]
            assert output.shape[0] == len(a) * active.each, (
                f"{len(a)} rows x {active.each} for {output.shape[0]} samples"
            )
            return adapted(module, inputs[0], output, a, b)

        return add

    def load(self, slot: int, tensors: Mapping[str, Tensor], alpha: float | None = None) -> None:
        """Write an adapter in PEFT keys into a slot; alpha is its rank unless said. Raises RecipeInvalid where it does not fit."""
        rank = rank_of(tensors)
        row = self.layout.pack(tensors)
        held = Held(rank, float(rank if alpha is None else alpha), names_of(tensors))
        self.write(slot, row, held)

    def write(self, slot: int, row: Tensor, held: Held) -> None:
        """Write a packed row [P] into a slot."""
        assert 0 <= slot < self.slots, f"slot {slot} of {self.slots}"
        self.weights[slot].copy_(row)
        self._scales[slot] = held.scale
        self._held[slot] = held

    def state(self, slot: int) -> dict[str, Tensor]:
        """The adapter in a slot as copies, in the PEFT keys that diffusers' `load_lora_weights` takes; B without its scale."""
        held = self.held(slot)
        return self.layout.unpack(self.weights[slot], held.rank, held.names)

    def held(self, slot: int) -> Held:
        """What a slot holds; holding nothing is our own mistake."""
        held = self._held[slot] if 0 <= slot < self.slots else None
        assert held is not None, f"slot {slot} holds no adapter"
        return held

    def row(self, slot: int) -> Tensor:
        """The slot's row [P], a view."""
        assert 0 <= slot < self.slots, f"slot {slot} of {self.slots}"
        return self.weights[slot]

    def copy(self, source: int, target: int) -> None:
        """Make the target slot hold the source's adapter."""
        self.write(target, self.row(source), self.held(source))

    def clear(self, slot: int) -> None:
        """Empty a slot: it adds nothing."""
        self.row(slot).zero_()
        self._scales[slot] = 0
        self._held[slot] = None

    def free(self) -> list[int]:
        """The slots that hold no adapter, lowest first."""
        return [slot for slot, held in enumerate(self._held) if held is None]
