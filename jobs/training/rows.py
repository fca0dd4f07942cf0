"""The rows that train: a bank and both Adam moments beside it, widened when a training needs more. Knows no project.

Rank and layers of the rows follow the trainings that are there: padding stays zero, so a wider row is the same adapter.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from jobs.adapters.bank import Bank, Held
from jobs.adapters.layout import A, Layout
from jobs.bases.loading import Base
from jobs.spec import TrainRecipe
from jobs.training import optimizer, randomness
from jobs.training.optimizer import Moments

FEW = 8
"""Slots that memory is taken for at a time: an SDXL row of rank 16 and its moments are 0.3 GB."""


class RowState(NamedTuple):
    """A row as tensors in PEFT keys at its true rank: the adapter (B without its scale), and both moments."""

    weight: dict[str, Tensor]
    mean: dict[str, Tensor]
    square: dict[str, Tensor]


class TrainingRows:
    """At most `slots` rows on a base; memory is taken as they are, and given back with the last. Never in half precision."""

    def __init__(self, base: Base, slots: int) -> None:
        self._unet, self._slots = base.unet, slots
        self._reserved = 0  # slots of the bank that stands
        self.dtype = torch.promote_types(base.dtype, torch.float32)
        self._sets: frozenset[str] = frozenset()
        self._bank: Bank | None = None
        self._moments: Moments | None = None

    @property
    def bank(self) -> Bank:
        """The bank; only while a row is taken."""
        assert self._bank is not None, "no row is taken"
        return self._bank

    @property
    def moments(self) -> Moments:
        """Both moments of all rows."""
        assert self._moments is not None, "no row is taken"
        return self._moments

    def take(self, recipe: TrainRecipe) -> int:
        """A free slot with a new adapter in it, its moments zero. Raises RecipeInvalid where the base lacks the layers."""
        names = frozenset(Layout.of(self._unet, recipe.targets, recipe.rank).names)
        self._make_room_for(recipe)
        slot = self.bank.free()[0]
        self.bank.write(slot, _fresh(self.bank.layout, names, recipe), Held(recipe.rank, recipe.alpha, names))
        return slot

    def restore(self, slot: int, state: RowState) -> None:
        """Put a kept state into a taken slot."""
        pack = self.bank.layout.pack
        self.bank.write(slot, pack(state.weight), self.bank.held(slot))
        self.moments.mean[slot].copy_(pack(state.mean))
        self.moments.square[slot].copy_(pack(state.square))

    def state(self, slot: int) -> RowState:
        """Copies of what a taken slot holds."""
        held = self.bank.held(slot)
        rows = (self.bank.weights, self.moments.mean, self.moments.square)
        return RowState(*(self.bank.layout.unpack(each[slot], held.rank, held.names) for each in rows))

    def give_back(self, slot: int) -> None:
        """Free a slot; with the last one the bank goes."""
        self.bank.clear(slot)
        self.moments.mean[slot].zero_()
        self.moments.square[slot].zero_()
        if len(self.bank.free()) == self._reserved:
            self.bank.detach()
            self._bank, self._moments, self._sets, self._reserved = None, None, frozenset(), 0

    def update(self, rows: Tensor, gradient: Tensor, paces: list[optimizer.Pace], active: Tensor) -> None:
        """One AdamW step of rows [K] by gradient [K, P]; NO_ADAPTER rows, which are padding, must not be active."""
        reserved = len(self.bank.weights)  # the reserved row is the last
        optimizer.update(self.bank.weights, self.moments, rows % reserved, gradient, paces, active)

    def _make_room_for(self, recipe: TrainRecipe) -> None:
        sets = self._sets | {recipe.targets}
        rank = max(recipe.rank, self._bank.layout.rank if self._bank else 1)
        is_full = self._bank is None or not self._bank.free()
        if is_full or sets != self._sets or rank != self.bank.layout.rank:
            slots = min(self._slots, self._reserved + FEW) if is_full else self._reserved
            self._rebuild(Layout.of(self._unet, sorted(sets), rank), slots)
            self._sets, self._reserved = sets, slots

    def _rebuild(self, layout: Layout, slots: int) -> None:
        before, moments = self._bank, self._moments
        bank = Bank(self._unet, layout, slots, dtype=self.dtype, trainable=True)
        self._bank, self._moments = bank, Moments.zeros_like(bank.weights)
        if before is None or moments is None:
            return
        for slot in sorted(set(range(self._reserved)).difference(before.free())):
            held = before.held(slot)
            kept = (each[slot] for each in (before.weights, moments.mean, moments.square))
            state = RowState(*(before.layout.unpack(row, held.rank, held.names) for row in kept))
            bank.write(slot, layout.pack(state.weight), held)
            self.restore(slot, state)
        before.detach()


def _fresh(layout: Layout, names: frozenset[str], recipe: TrainRecipe) -> Tensor:
    """A new adapter's row [P]: A as PEFT starts it (uniform by its inputs), B zero; a function of seed and layer names."""
    tensors = layout.unpack(torch.zeros(layout.width), recipe.rank, names)
    for name, tensor in tensors.items():
        if name.endswith(A):
            bound = tensor[0].numel() ** -0.5
            tensor.uniform_(-bound, bound, generator=randomness.generator(recipe.seed, 0, name))
    return layout.pack(tensors)
