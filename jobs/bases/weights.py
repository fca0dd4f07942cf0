"""Whether a file is safetensors, by its header alone: no tensor is read, and nothing heavy is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jobs.errors import BaseRefused

LARGEST_HEADER_BYTES = 16 * 2**20
"""An SDXL-class UNet's header has about 0.2 MB."""


def require_safetensors(path: Path, name: str) -> None:
    """Raises BaseRefused where the file at `path`, called `name`, is cut short, or no safetensors whatever it is called."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LARGEST_HEADER_BYTES, max(size - 8, 0)):
            raise _refused(name, "its first bytes are no safetensors header")
        header = _header(file.read(length))
    if header is None:
        raise _refused(name, "its header is no JSON object of tensors")
    ends = [tensor["data_offsets"][1] for key, tensor in header.items() if key != "__metadata__"]
    if max(ends, default=0) != size - 8 - length:
        raise _refused(name, f"its header speaks of {max(ends, default=0):,} bytes and {size - 8 - length:,} follow")


def _header(data: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(data)
    except ValueError:
        return None
    is_sound = isinstance(header, dict) and all(_is_tensor(key, value) for key, value in header.items())
    return header if is_sound else None


def _is_tensor(key: str, value: Any) -> bool:
    if key == "__metadata__":
        return isinstance(value, dict)
    offsets = value.get("data_offsets") if isinstance(value, dict) else None
    return isinstance(offsets, list) and len(offsets) == 2 and all(type(one) is int and one >= 0 for one in offsets)


def _refused(name: str, found: str) -> BaseRefused:
    return BaseRefused(f"{name} is not sound safetensors: {found}.", hint="Was it downloaded whole? Get it again.")
