"""A training's state in the store: row, moments, curve and samples in one safetensors blob, and a small pointer to it.

Pointers are created once; of several, the newest that is whole counts, and older ones than the newest two are pruned. Knows no bank.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
from jobs.spec import TrainAsk, asked_id
from jobs.training.rows import RowState


class Pointer(BaseModel):
    """What is written under a checkpoint's key. `state` and `samples` name blobs; shapes: [step, rows, batch, rank, columns].

    own: the state's bytes name this training, so that no checkpoint of another can share their blob.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    ask: TrainAsk
    attempt: int
    step: int
    seconds: float
    shapes: tuple[tuple[int, int, int, int, int], ...]
    state: str
    samples: str
    own: bool = False


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


@dataclass(frozen=True)
class Pruned:
    """The pointers that are sound and stay, and those that were dropped."""

    sound: tuple[str, ...]
    dropped: tuple[str, ...] = ()


KEPT_STEPS = 2
"""Sound checkpoints that a training keeps: should the newest one's bytes be lost, the one before it is resumed."""

UNSOUND = (Corrupt, KeyNotFound, ValidationError, SafetensorError, KeyError, ValueError)
"""What reading a checkpoint raises that is not whole."""


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
        own=True,
    )
    key = keys.checkpoint(asked, checkpoint.step, attempt)
    failpoints.reach("checkpoint.before-pointer")
    store.create(key, canonical(pointer.model_dump(mode="json")))
    return key


def prune(store: ObjectStore, asked: str, known_sound: Collection[str] = ()) -> Pruned:
    """Drop what is older than the newest two steps that are sound, those pointers first and then the states that only they name.

    Whoever does it with an old list drops only what two sound ones were newer than; so an attempt that was frozen does no harm.
    Samples stay: records name them too. `known_sound` are not read again. Raises StoreError.
    """
    pointers = sorted(store.list(keys.checkpoints(asked)), reverse=True)
    sound: list[str] = []
    for key in pointers:
        if len({_step(one) for one in sound} | {_step(key)}) > KEPT_STEPS:
            break
        if key in known_sound or _is_sound(store, key):
            sound.append(key)
    steps = {_step(key) for key in sound}
    old = [key for key in pointers if len(steps) == KEPT_STEPS and _step(key) < min(steps)]
    _drop(store, old, kept=[key for key in pointers if key not in old])
    return Pruned(tuple(sound), tuple(old))


def _drop(store: ObjectStore, old: Sequence[str], kept: Sequence[str]) -> None:
    if not old:
        return
    still_named = {pointer.state for key in kept if (pointer := _pointer(store, key))}
    for key in reversed(old):  # the oldest first
        pointer = _pointer(store, key)
        store.delete(key)
        if pointer is not None and pointer.own and pointer.state not in still_named:
            store.delete(keys.blob(pointer.state))


def _pointer(store: ObjectStore, key: str) -> Pointer | None:
    try:
        return Pointer.model_validate_json(store.get(key))
    except (KeyNotFound, ValidationError):
        return None


def _step(key: str) -> str:
    return key.split("/")[2]


def _is_sound(store: ObjectStore, key: str) -> bool:
    try:
        _read(store, key)
    except UNSOUND:
        return False
    return True


def newest(store: ObjectStore, asked: str) -> Found:
    """The furthest checkpoint of a training that is whole. Raises StoreUnavailable."""
    skipped: list[str] = []
    for key in sorted(store.list(keys.checkpoints(asked)), reverse=True):
        try:
            return Found(_read(store, key), tuple(skipped))
        except UNSOUND as error:
            skipped.append(f"The checkpoint {key} is not whole and is skipped: {type(error).__name__}: {error}")
    return Found(None, tuple(skipped))


def _packed(checkpoint: Checkpoint) -> bytes:
    kept = {
        f"{part}/{name}": tensor.contiguous().cpu()
        for part, tensors in checkpoint.row._asdict().items()
        for name, tensor in tensors.items()
    }
    kept["losses"] = torch.tensor(list(checkpoint.losses), dtype=torch.float64)
    return save(kept, metadata={"asked": asked_id(checkpoint.ask)})


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
