"""A training's state in the store: row, moments, curve and samples in one safetensors blob, and a small pointer to it.

Pointers are created once; of several, the newest that is whole counts. Knows no bank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from jobs import blobs, failpoints, keys
from jobs.errors import Corrupt, KeyNotFound
from jobs.identity import canonical
from jobs.ports import ObjectStore
from jobs.records import Sample
from jobs.spec import TrainAsk
from jobs.training.rows import RowState


class Pointer(BaseModel):
    """What is written under a checkpoint's key. `state` and `samples` name blobs; shapes: [step, rows, batch, rank, columns]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ask: TrainAsk
    attempt: int
    step: int
    seconds: float
    shapes: tuple[tuple[int, int, int, int, int], ...]
    state: str
    samples: str


@dataclass(frozen=True)
class Checkpoint:
    """A training after `step` updates. One loss per step."""

    ask: TrainAsk
    step: int
    row: RowState
    losses: Sequence[float]
    samples: Sequence[Sample]
    shapes: Sequence[tuple[int, int, int, int, int]]
    seconds: float


@dataclass(frozen=True)
class Found:
    """The newest sound checkpoint, or None; and what was skipped on the way to it, one sentence each, to be said aloud."""

    checkpoint: Checkpoint | None
    skipped: tuple[str, ...] = ()


def write(store: ObjectStore, asked: str, attempt: int, checkpoint: Checkpoint) -> str:
    """Keep a state, blob first, pointer last; the pointer's key. Writing the same again is harmless. Raises StoreUnavailable."""
    pointer = Pointer(
        ask=checkpoint.ask,
        attempt=attempt,
        step=checkpoint.step,
        seconds=checkpoint.seconds,
        shapes=tuple(checkpoint.shapes),
        state=blobs.put(store, _packed(checkpoint)),
        samples=blobs.put_json(store, [sample.model_dump(mode="json") for sample in checkpoint.samples]),
    )
    key = keys.checkpoint(asked, checkpoint.step, attempt)
    failpoints.reach("checkpoint.before-pointer")
    store.create(key, canonical(pointer.model_dump(mode="json")))
    return key


def newest(store: ObjectStore, asked: str) -> Found:
    """The furthest checkpoint of a training that is whole. Raises StoreUnavailable."""
    skipped: list[str] = []
    for key in sorted(store.list(keys.checkpoints(asked)), reverse=True):
        try:
            return Found(_read(store, key), tuple(skipped))
        except (Corrupt, KeyNotFound, ValidationError, SafetensorError, KeyError, ValueError) as error:
            skipped.append(f"The checkpoint {key} is not whole and is skipped: {type(error).__name__}: {error}")
    return Found(None, tuple(skipped))


def _packed(checkpoint: Checkpoint) -> bytes:
    kept = {
        f"{part}/{name}": tensor.contiguous().cpu()
        for part, tensors in checkpoint.row._asdict().items()
        for name, tensor in tensors.items()
    }
    kept["losses"] = torch.tensor(list(checkpoint.losses), dtype=torch.float64)
    return save(kept)


def _read(store: ObjectStore, key: str) -> Checkpoint:
    pointer = Pointer.model_validate_json(store.get(key))
    tensors = load(blobs.get(store, pointer.state))
    losses = tensors.pop("losses").tolist()
    if len(losses) != pointer.step:
        raise ValueError(f"{len(losses)} losses for {pointer.step} steps")
    samples = [Sample.model_validate(sample) for sample in blobs.get_json(store, pointer.samples)]
    return Checkpoint(
        ask=pointer.ask,
        step=pointer.step,
        row=RowState(*(_under(f"{part}/", tensors) for part in RowState._fields)),
        losses=losses,
        samples=samples,
        shapes=pointer.shapes,
        seconds=pointer.seconds,
    )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
