"""A trained adapter as a file that others can load, and the proof that it is what was trained. Knows no store.

The scale is folded into B and alpha written equal to the rank, since several loaders lose alpha without a word.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY
from peft import get_peft_model_state_dict
from torch import Tensor

from jobs.adapters import tensor_file
from jobs.adapters.bank import Bank
from jobs.adapters.layout import PREFIX, B, Layout, rank_of
from jobs.adapters.targets import target_modules
from jobs.bases import families
from jobs.bases.loading import Base
from jobs.bases.told import Frame, Told
from jobs.errors import ExportMismatch
from jobs.identity import Digest, digest_of

FILE = "pytorch_lora_weights.safetensors"  # the name that diffusers looks for
TOLERANCE = 1e-5  # of the outputs' largest value, single precision
HALF_TOLERANCE = 2e-2  # the same where the base is in 16 bits
PROBE_SIDE = 32  # latent pixels; small, since layers are compared and not pictures


@dataclass(frozen=True)
class Exported:
    """A proven adapter file: safetensors bytes in diffusers/PEFT keys, float32, alpha = rank."""

    data: bytes
    rank: int
    targets: tuple[str, ...]

    @property
    def digest(self) -> Digest:
        return digest_of(self.data)


def export(base: Base, tensors: dict[str, Tensor], alpha: float, targets: str) -> Exported:
    """Write an adapter (PEFT keys, B without its scale), load it back into a plain UNet, compare. Raises ExportMismatch."""
    rank = rank_of(tensors)
    modules = target_modules(targets)
    folded = {name: _folded(name, tensor, alpha / rank) for name, tensor in tensors.items()}
    exported = Exported(tensor_file.written(folded, _metadata(rank, modules)), rank, modules)
    plain = _reloaded(base.unet, exported.data)
    _require_same_tensors(plain, folded)
    _require_same_output(base, plain, tensors, alpha, targets)
    return exported


def _folded(name: str, tensor: Tensor, scale: float) -> Tensor:
    scaled = tensor * scale if name.endswith(B) else tensor
    return scaled.to("cpu", torch.float32).contiguous()


def _metadata(rank: int, modules: tuple[str, ...]) -> dict[str, str]:
    config = {"r": rank, "lora_alpha": rank, "target_modules": list(modules)}
    described = {PREFIX + name: value for name, value in config.items()}
    return {"format": "pt", LORA_ADAPTER_METADATA_KEY: json.dumps(described, sort_keys=True)}


def _reloaded(unet: Any, data: bytes) -> Any:
    """A plain copy of the UNet with the file loaded as a stranger would load it."""
    plain = type(unet).from_config(unet.config)
    plain.load_state_dict(unet.state_dict())
    plain.requires_grad_(False).eval().to(unet.device)
    for own, copied in zip(unet.parameters(), plain.parameters(), strict=True):
        copied.data = copied.data.to(own.dtype)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_bytes(data)
        plain.load_lora_adapter(folder, weight_name=FILE, prefix=PREFIX.removesuffix("."), local_files_only=True)
    return plain


def _require_same_tensors(plain: Any, written: dict[str, Tensor]) -> None:
    loaded = {
        PREFIX + name: tensor.cpu()
        for name, tensor in get_peft_model_state_dict(plain, adapter_name=_name(plain)).items()
    }
    lost, foreign = written.keys() - loaded.keys(), loaded.keys() - written.keys()
    changed = [
        name for name in written.keys() & loaded.keys() if not torch.equal(written[name].to(loaded[name]), loaded[name])
    ]
    if lost or foreign or changed:
        raise ExportMismatch(
            f"The adapter was written with {len(written)} tensors; loaded back, {len(lost)} were missing, "
            f"{len(foreign)} were new and {len(changed)} had other values.",
            hint="Nothing was recorded. This is a fault of the installed diffusers or peft, or of ours: report it.",
        )


def _require_same_output(base: Base, plain: Any, tensors: dict[str, Tensor], alpha: float, targets: str) -> None:
    bank = Bank(base.unet, Layout.of(base.unet, targets, rank_of(tensors)), slots=1)
    bank.load(0, tensors, alpha)
    given = _probe(base)
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        theirs: Tensor = plain(**given, return_dict=False)[0]
        with bank.rows(torch.zeros(1, dtype=torch.int64)):
            ours: Tensor = base.unet(**given, return_dict=False)[0]
    bank.detach()
    difference = float((theirs - ours).abs().max() / ours.abs().max().clamp(min=1.0))
    tolerance = HALF_TOLERANCE if base.dtype.itemsize == 2 else TOLERANCE
    if not difference <= tolerance:
        raise ExportMismatch(
            f"The adapter, loaded back, draws otherwise: outputs differ by {difference:.3g}, at most {tolerance:g} is allowed.",
            hint="Nothing was recorded. This is a fault of the installed diffusers or peft, or of ours: report it.",
        )


def _probe(base: Base) -> dict[str, Any]:
    """Latents, a timestep and what is told beside, to compare outputs at; any will do, as long as it is always the same."""
    config, chance, family = base.unet.config, torch.Generator().manual_seed(0), families.of(base)
    side = min(config.sample_size, PROBE_SIDE)
    latents = torch.randn(1, config.in_channels, side, side, generator=chance)
    hidden = torch.randn(1, 8, config.cross_attention_dim, generator=chance)
    pooled = torch.randn(1, family.pooled_width(config), generator=chance)
    told = Told(hidden, pooled, torch.tensor([Frame.whole(side, side)])).to(base.device, base.dtype)
    return {
        "sample": latents.to(base.device, base.dtype),
        "timestep": torch.tensor([500], device=base.device),
        **family.unet_arguments(told),
    }


def _name(plain: Any) -> str:
    (name,) = plain.peft_config
    return str(name)
