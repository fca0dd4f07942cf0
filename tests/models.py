"""Models in diffusers' format for tests: real settings, weights of a few bytes, changed by path."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.bases import catalogue

TINY = catalogue.by_name("tiny").folder
WEIGHTS = (
    "text_encoder/model.safetensors",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
)


def tensors(value: int = 0, count: int = 4) -> bytes:
    """A safetensors file of one tensor."""
    header = json.dumps({"one": {"dtype": "U8", "shape": [count], "data_offsets": [0, count]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes([value]) * count


def files() -> dict[str, bytes]:
    """A small model's files by path, the tiny base's settings among them."""
    settings = {path.relative_to(TINY).as_posix(): path.read_bytes() for path in TINY.rglob("*.json")}
    weights = {name: tensors(number) for number, name in enumerate(WEIGHTS)}
    small = {"tokenizer/tokenizer.json": b"{}", "tokenizer/merges.txt": b"#version: 0.2\n"}
    return {**settings, **small, **weights}


def write(folder: Path, given: dict[str, bytes] | None = None) -> Path:
    """Writes a model's folder; the folder."""
    for name, data in (files() if given is None else given).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
