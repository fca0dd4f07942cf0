"""What calls itself safetensors is held to its header before it is kept."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from jobs.bases import weights
from jobs.errors import BaseRefused
from tests import models

SOUND = models.tensors(7)


def headed(header: object, body: bytes = b"") -> bytes:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(data).to_bytes(8, "little") + data + body


def test_real_weights_are_sound(tmp_path: Path) -> None:
    for path in models.TINY.rglob("*.safetensors"):
        weights.require_safetensors(path, path.name)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SOUND[:5],
        SOUND[:-1],
        SOUND + b"x",
        pickle.dumps({"weights": [1.0] * 100}),
        b"\xff" * 64,
        headed(b"not json"),
        headed([1, 2]),
        headed({"one": {"data_offsets": [0]}}),
        headed({"one": {"data_offsets": [0, -1]}}),
        headed({"one": {"data_offsets": [0, True]}}, b"x"),
        headed({"one": "two"}),
        (2**40).to_bytes(8, "little") + b"{}",
    ],
)
def test_what_is_cut_or_something_else_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(BaseRefused, match=r"unet/model\.safetensors is not sound safetensors: "):
        weights.require_safetensors(path, "unet/model.safetensors")
