"""Readers of what blobs hold, each of which raises where the bytes are not that: pictures, adapters, training states."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors.numpy import load

from jobs.generation import metadata
from jobs.shots import Recipe

Tensors = dict[str, npt.NDArray[np.generic]]


def png(data: bytes) -> None:
    """A picture that decodes to its last row."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        opened.load()


def recipe(data: bytes) -> Recipe:
    """The recipe that a finished picture tells, whose pixels decode."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as opened:
        opened.load()
        return metadata.recipe_of({str(name): str(text) for name, text in opened.info.items()})


def adapter(data: bytes) -> Tensors:
    """The tensors of an adapter, all of them numbers."""
    tensors = load(data)
    _require_numbers(tensors)
    if not tensors:
        raise ValueError("it holds no tensor")
    return tensors


def state_after(steps: int) -> Callable[[bytes], Tensors]:
    """A training's row and moments after so many steps, with a loss of each."""

    def read(data: bytes) -> Tensors:
        tensors = load(data)
        _require_numbers(tensors)
        if len(tensors["losses"]) != steps:
            raise ValueError(f"it has {len(tensors['losses'])} losses")
        return tensors

    return read


def _require_numbers(tensors: Tensors) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"its tensor {name} holds values that are not numbers")
