"""How one adapter lies in one flat row: every layer's A, then every layer's B transposed. Holds no weights.

Ranks below the layout's are padded with zeros, and so are layers that an adapter does not have. Padding stays zero under
any optimiser of gradients: the gradient of a padded A is a product with its B, which is zero, and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from jobs.adapters import targets as target_sets
from jobs.errors import RecipeInvalid

PREFIX = "unet."  # as diffusers' pipelines expect the keys of a UNet's adapter
A, B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class Layer:
    """One adapted layer: its name, the shape of one input of A ((in,) or (in, kh, kw)), and its outputs."""

    name: str
    inputs: tuple[int, ...]
    outputs: int

    @property
    def is_convolution(self) -> bool:
        return len(self.inputs) == 3


@dataclass(frozen=True)
class Layout:
    """The shape of a row: which layers, at which rank. Two layouts are equal if their rows mean the same."""

    layers: tuple[Layer, ...]
    rank: int

    @classmethod
    def of(cls, unet: Any, targets: str | Iterable[str], rank: int) -> Layout:
        """The layout of one or several target sets on a UNet. Raises RecipeInvalid where a set is unknown or matches nothing."""
        if rank < 1:
            raise RecipeInvalid(f"The recipe asks for rank {rank}.", hint="Set recipe.rank to 1 or more.")
        sets = (targets,) if isinstance(targets, str) else tuple(targets)
        wanted = {name: module for each in sets for name, module in target_sets.matched(unet, each)}
        ordered = [name for name, _ in unet.named_modules() if name in wanted]
        return cls(tuple(_layer(name, wanted[name]) for name in ordered), rank)

    @cached_property
    def sizes(self) -> list[int]:
        """Columns of every layer's A, then of every layer's B, at this rank."""
        return [self.rank * prod(layer.inputs) for layer in self.layers] + [
            self.rank * layer.outputs for layer in self.layers
        ]

    @cached_property
    def width(self) -> int:
        """P, the number of columns of a row."""
        return sum(self.sizes)

    @cached_property
    def a_width(self) -> int:
        """How many of the columns belong to A; the rest are B's."""
        return sum(self.sizes[: len(self.layers)])

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(layer.name for layer in self.layers)

    def pack(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """One row [P] from tensors in PEFT keys (with or without `unet.`), zero-padded. Raises RecipeInvalid where one does not fit."""
        plain = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
        self._check(plain)
        first = next(iter(plain.values()))
        row = torch.zeros(self.width, dtype=first.dtype, device=first.device)
        for layer, a, b in self._parts(row):
            if layer.name + A in plain:
                given_a, given_b = plain[layer.name + A], plain[layer.name + B]
                a[: len(given_a)] = given_a.flatten(1)
                b[: len(given_a)] = given_b.flatten(1).T
        return row

    def unpack(self, row: Tensor, rank: int, names: Iterable[str]) -> dict[str, Tensor]:
        """Copies of the named layers' A and B at their true rank, in PEFT keys with `unet.`, from a row [P]."""
        wanted = frozenset(names)
        tensors: dict[str, Tensor] = {}
        for layer, a, b in self._parts(row):
            if layer.name in wanted:
                tail = (1, 1) if layer.is_convolution else ()
                tensors[PREFIX + layer.name + A] = a[:rank].reshape(rank, *layer.inputs).clone()
                tensors[PREFIX + layer.name + B] = b[:rank].T.reshape(layer.outputs, rank, *tail).clone()
        return tensors

    def _parts(self, row: Tensor) -> Iterable[tuple[Layer, Tensor, Tensor]]:
        pieces = [piece.view(self.rank, -1) for piece in torch.split(row, self.sizes)]
        return zip(self.layers, pieces[: len(self.layers)], pieces[len(self.layers) :], strict=True)

    def _check(self, tensors: Mapping[str, Tensor]) -> None:
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        rank = rank_of(tensors)
        expected = _expected(self.layers, rank)
        wrong = [name for name, shape in shapes.items() if expected.get(name) != shape]
        wrong += [name for name in map(_partner, shapes) if name not in shapes]
        if wrong or rank > self.rank:
            raise RecipeInvalid(
                f"The adapter (rank {rank}, {len(shapes)} tensors) does not fit a bank of rank {self.rank} and {len(self.layers)} layers"
                + (f": {wrong[0]} is foreign, misshapen or without its partner." if wrong else "."),
                hint="Use an adapter that was trained on this base, and a bank of its rank and target set.",
            )


def rank_of(tensors: Mapping[str, Tensor]) -> int:
    """The rank of an adapter given in PEFT keys. Raises RecipeInvalid where it has no layer or its ranks differ."""
    ranks = {len(tensor) for name, tensor in tensors.items() if name.endswith(A)}
    if len(ranks) != 1:
        raise RecipeInvalid(
            f"The adapter has {len(tensors)} tensors of ranks {sorted(ranks)}; one rank was expected.",
            hint="Use an adapter in diffusers/PEFT keys with the same rank in every layer.",
        )
    return ranks.pop()


def names_of(tensors: Mapping[str, Tensor]) -> frozenset[str]:
    """The names of the layers that an adapter in PEFT keys holds."""
    return frozenset(name.removeprefix(PREFIX).removesuffix(A) for name in tensors if name.endswith(A))


def _layer(name: str, module: nn.Linear | nn.Conv2d) -> Layer:
    shape = tuple(module.weight.shape)
    return Layer(name, inputs=shape[1:], outputs=shape[0])


def _expected(layers: Iterable[Layer], rank: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        tail = (1, 1) if layer.is_convolution else ()
        shapes[layer.name + A] = (rank, *layer.inputs)
        shapes[layer.name + B] = (layer.outputs, rank, *tail)
    return shapes


def _partner(name: str) -> str:
    return name.removesuffix(A) + B if name.endswith(A) else name.removesuffix(B) + A
