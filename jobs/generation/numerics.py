"""The numerics class: a name for everything beside the recipe that decides an image's bits.

Two workers of one class draw the same bytes; across classes only closeness is promised.
"""

from __future__ import annotations

import platform
from importlib.metadata import version

import torch

from jobs.bases.loading import Base
from jobs.finishing import deflate


def numerics_class(base: Base, batch_size: int) -> str:
    """One line naming device kind, torch and diffusers build, dtype, threads, instruction set, and the padded batch."""
    parts = [
        *_device(base.device),
        f"torch-{torch.__version__}",
        f"diffusers-{version('diffusers')}",
        str(base.dtype).removeprefix("torch."),
        f"batch-{batch_size}",
    ]
    return "/".join(parts)


def made(base: Base, batch_size: int) -> dict[str, str]:
    """With what an image was made, for its record: the numerics class and the libraries' versions."""
    libraries = {name: version(name) for name in ("torch", "diffusers", "transformers", "pillow")}
    coder = {"coder": deflate.coder()}
    return {"numerics": numerics_class(base, batch_size), "python": platform.python_version(), **libraries, **coder}


def _device(device: torch.device) -> list[str]:
    if device.type == "cuda":
        allows_tf32 = torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
        tf32 = "tf32" if allows_tf32 else "ieee"
        return ["cuda", torch.cuda.get_device_name(device).replace(" ", "-"), tf32]
    return [device.type, torch.backends.cpu.get_cpu_capability(), f"threads-{torch.get_num_threads()}"]
