"""A safetensors file as bytes, the same bytes each time, and the hashes that other tools know it by.

The library's own writer shuffles the metadata from run to run; a file that is named by its digest must not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor

LENGTH_BYTES = 8
LEGACY_START, LEGACY_LENGTH = 0x100000, 0x10000


def written(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Float32 tensors and texts as a safetensors file, both sorted by name."""
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    end, pieces = 0, []
    for name, tensor in sorted(tensors.items()):
        piece = tensor.detach().cpu().float().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(piece)]}
        end += len(piece)
        pieces.append(piece)
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % LENGTH_BYTES)
    return b"".join([len(head).to_bytes(LENGTH_BYTES, "little"), head, *pieces])


def metadata_of(data: bytes) -> dict[str, str]:
    """The texts that a safetensors file holds."""
    texts: dict[str, str] = json.loads(data[LENGTH_BYTES : _data_start(data)]).get("__metadata__", {})
    return texts


def model_hash(data: bytes) -> str:
    """The hash of a file's tensors, whatever its metadata says: A1111 shows its first 12 digits, Civitai calls it AutoV3."""
    return hashlib.sha256(data[_data_start(data) :]).hexdigest()


def legacy_hash(data: bytes) -> str:
    """The 8 digits by which older web UIs know a file: of 64 KiB after its first MiB."""
    return hashlib.sha256(data[LEGACY_START : LEGACY_START + LEGACY_LENGTH]).hexdigest()[:8]


def _data_start(data: bytes) -> int:
    return LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
