"""The adapters that images wear: read from the store by digest, kept in the rows of banks, the longest unworn given up.

Rows come in a few fixed ranks, so that an adapter's arithmetic, and with it an image's bits, never depends on which
other adapters are about. Knows no seeds and no prompts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from jobs import blobs
from jobs.adapters.bank import NO_ADAPTER, Bank
from jobs.adapters.layout import Layout, names_of, rank_of
from jobs.bases.loading import Base
from jobs.errors import Corrupt, RecipeInvalid
from jobs.ports import ObjectStore
from jobs.shots import Recipe

RANKS = (16, 32, 64, 128)
"""The ranks that banks come in; an adapter lies in the first that holds it, padded with zeros."""

TARGETS = ("default", "conv")
"""The target sets that banks come in; an adapter lies in the first that has all of its layers."""


@dataclass(frozen=True)
class Worn:
    """The rows of one bank that a batch wears: rows int64 [N, M] for M adapters an image, strengths [N, M]."""

    bank: Bank
    rows: Tensor
    strengths: Tensor


@dataclass(frozen=True)
class Wearing:
    """What every image of a batch wears, by bank. An image that wears nothing of a bank gets exactly nothing added."""

    worn: tuple[Worn, ...]

    @contextmanager
    def acting(self, each: int) -> Iterator[None]:
        """Within, every UNet call applies the adapters; `each` consecutive samples of its batch are one image."""
        with ExitStack() as stack:
            for part in self.worn:
                stack.enter_context(_rows(part, each))
            yield


def _rows(part: Worn, each: int) -> AbstractContextManager[object]:
    return part.bank.rows(part.rows, part.strengths, each)


class Rack:
    """One bank and what hangs in it: digests by slot, the longest unworn first."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.slots: OrderedDict[str, int] = OrderedDict()

    def slot_for(self, keep: Collection[str]) -> int:
        """A free slot, or that of the longest unworn adapter that is not to be kept."""
        free = self.bank.free()
        if free:
            return free[0]
        given_up = next(digest for digest in self.slots if digest not in keep)
        slot = self.slots.pop(given_up)
        self.bank.clear(slot)
        return slot


class Wardrobe:
    """Adapters for one base. `slots` adapters of each kind of row stay resident; banks are made when first needed."""

    def __init__(self, base: Base, store: ObjectStore, slots: int) -> None:
        self._base = base
        self._store = store
        self._slots = slots
        self._layouts: dict[tuple[str, int], Layout] = {}
        self._racks: dict[Layout, Rack] = {}

    def fetch(self, recipe: Recipe, beside: Sequence[Recipe] = ()) -> None:
        """Have a recipe's adapters in the banks, without giving up those of the recipes beside it.

        Raises KeyNotFound, Corrupt, RecipeInvalid where an adapter does not fit the base, StoreUnavailable.
        """
        wanted = {use.digest for use in recipe.adapters}
        if len(wanted) > self._slots:
            raise RecipeInvalid(
                f"An image asks for {len(wanted)} adapters; this worker holds {self._slots} at once.",
                hint="Use fewer adapters on one image, or give the worker more slots.",
            )
        keep = wanted.union(use.digest for other in beside for use in other.adapters)
        for digest in sorted(wanted):
            rack = self._rack_of(digest) or self._hang(digest, keep)
            rack.slots.move_to_end(digest)

    def wearing(self, recipes: Sequence[Recipe]) -> Wearing:
        """What a batch of fetched recipes wears."""
        used = {use.digest for recipe in recipes for use in recipe.adapters}
        racks = [rack for rack in self._racks.values() if used & rack.slots.keys()]
        return Wearing(tuple(_worn(rack, recipes) for rack in racks))

    def close(self) -> None:
        """Take the banks off the base."""
        for rack in self._racks.values():
            rack.bank.detach()
        self._racks.clear()

    def _rack_of(self, digest: str) -> Rack | None:
        return next((rack for rack in self._racks.values() if digest in rack.slots), None)

    def _hang(self, digest: str, keep: Collection[str]) -> Rack:
        tensors = _tensors(digest, blobs.get(self._store, digest))
        rack = self._rack(self._layout_for(tensors))
        slot = rack.slot_for(keep)
        rack.bank.load(slot, tensors)
        rack.slots[digest] = slot
        return rack

    def _layout_for(self, tensors: dict[str, Tensor]) -> Layout:
        rank = next((rank for rank in RANKS if rank >= rank_of(tensors)), None)
        if rank is None:
            raise RecipeInvalid(
                f"The adapter has rank {rank_of(tensors)}; at most {RANKS[-1]} can be drawn with.",
                hint="Train it at a smaller rank.",
            )
        layouts = [self._layout(targets, rank) for targets in TARGETS]
        return next((layout for layout in layouts if names_of(tensors) <= set(layout.names)), layouts[-1])

    def _layout(self, targets: str, rank: int) -> Layout:
        if (targets, rank) not in self._layouts:
            self._layouts[targets, rank] = Layout.of(self._base.unet, targets, rank)
        return self._layouts[targets, rank]

    def _rack(self, layout: Layout) -> Rack:
        if layout not in self._racks:
            self._racks[layout] = Rack(Bank(self._base.unet, layout, self._slots))
            self._hang_in_order()
        return self._racks[layout]

    def _hang_in_order(self) -> None:
        """Several adapters on an image are added in one order, whichever bank was made first: the order decides the last bit."""
        for layout in sorted(self._racks, key=lambda layout: (layout.rank, layout.width)):
            self._racks[layout].bank.hang()


def _worn(rack: Rack, recipes: Sequence[Recipe]) -> Worn:
    most = max(len(recipe.adapters) for recipe in recipes)
    rows = torch.full((len(recipes), most), NO_ADAPTER, dtype=torch.int64)
    strengths = torch.zeros(len(recipes), most)
    for image, recipe in enumerate(recipes):
        for place, use in enumerate(recipe.adapters):
            if use.digest in rack.slots:
                rows[image, place] = rack.slots[use.digest]
                strengths[image, place] = use.strength
    return Worn(rack.bank, rows, strengths)


def _tensors(digest: str, data: bytes) -> dict[str, Tensor]:
    try:
        tensors = load_safetensors(data)
    except SafetensorError as error:
        raise Corrupt(
            f"The adapter {digest[:12]}... is no safetensors file: {error}.", hint="Train or import it again."
        ) from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise Corrupt(f"The adapter {digest[:12]}... holds values that are not numbers.", hint="Train it again.")
    return tensors
