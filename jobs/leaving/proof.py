"""The proofs without which nothing leaves: each file is read as its readers read it, and compared with what the farm draws.

Each proof answers a finding or raises ExportMismatch. Writes nothing into the export's folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

from jobs.adapters.layout import B, names_of
from jobs.bases.loading import Base
from jobs.errors import ExportMismatch
from jobs.leaving import architecture, cube, cube_reader, kohya, names, plain, rules
from jobs.leaving.architecture import Architecture, Known
from jobs.leaving.cube import Colouring
from jobs.shots import Recipe

TOLERANCE = 2e-3
"""The largest difference of a channel, in [0, 1], that counts as the same picture: half a step of 255."""

ROUNDING = 1e-6  # of B's largest value, through the division by alpha / rank and back
TABLE_ROUNDING = 1e-6  # of a LUT's entries: seven decimals, and the finish's float32
STEP = 1 / 255
COLOURS = 20_000


@dataclass(frozen=True)
class Finding:
    """What a proof found: of which target, in a sentence with the numbers, and the numbers alone."""

    target: str
    sentence: str
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Ours:
    """What the farm draws: the recipes, their pictures [N, 3, H, W] with the adapter and without, before the finish."""

    recipes: Sequence[Recipe]
    pictures: Tensor
    bare: Tensor

    @property
    def effect(self) -> float:
        """How much the adapter changes the pictures, mean over all channels."""
        return float((self.pictures - self.bare).abs().mean())

    @property
    def words(self) -> str:
        first = self.recipes[0]
        count = f"{len(self.recipes)} pictures" if len(self.recipes) > 1 else "1 picture"
        return f"{count} of {first.width} x {first.height} in {first.sampling.steps} steps"


def diffusers(base: Base, ours: Ours, file: Path, recorded: bytes, strength: float) -> Finding:
    """The diffusers file is the recorded blob to the byte, and a plain pipeline draws with it what the farm draws."""
    if file.read_bytes() != recorded:
        raise _refused("diffusers", f"{file.name} is not the {len(recorded)} bytes that the record names")
    wanted = names_of(load(recorded))
    drawn = plain.draw(base, ours.recipes, file, strength)
    if drawn.layers != wanted:
        raise _refused("diffusers", f"it was loaded onto {len(drawn.layers)} layers instead of {len(wanted)}")
    worst = _worst("diffusers", drawn.pictures, ours)
    return Finding(
        "diffusers",
        f"diffusers loads all {len(wanted)} layers and draws the same: {ours.words} differ by at most {_steps(worst)}; "
        f"the adapter itself changes them by {_steps(ours.effect)} on average.",
        {"layers": len(wanted), "largest_difference": worst, "effect": ours.effect, "tolerance": TOLERANCE},
    )


def kohya_keys(base: Base, file: Path, recorded: Mapping[str, Tensor]) -> Finding:
    """Every key is understood by ComfyUI, A1111 and InvokeAI as the layer that it means, and alpha gives the product back."""
    tensors, unet = load(file.read_bytes()), architecture.of(base.unet.config)
    meant = {names.kohya(layer, unet.known): layer for layer in names_of(recorded)}
    foreign = tensors.keys() - {stem + suffix for stem in meant for suffix in kohya.SUFFIXES}
    if foreign or len(tensors) != len(meant) * len(kohya.SUFFIXES):
        raise _refused("Kohya", f"its {len(tensors)} tensors are not three for each of {len(meant)} layers")
    error = _product_error(kohya.folded(tensors, meant), recorded)
    alphas = sorted({float(tensor) for key, tensor in tensors.items() if key.endswith(kohya.ALPHA)})
    figures = {"keys": len(tensors), "layers": len(meant), "alpha": alphas, "product_error": error}
    if unet.known is Known.OTHER:
        return Finding("ComfyUI, A1111, InvokeAI", _not_theirs(len(tensors)), {**figures, "tools": {}})
    return Finding(
        "ComfyUI, A1111, InvokeAI",
        f"All {len(tensors)} keys follow the key rules of ComfyUI, A1111 and InvokeAI for {unet.known}, none left over"
        + (
            "."
            if unet.has_known_widths
            else f"; this base is of its blocks but not its widths (text {unet.text_width})."
        ),
        {**figures, "tools": _understood(meant, unet)},
    )


def kohya_pictures(base: Base, ours: Ours, file: Path, recorded: Mapping[str, Tensor], strength: float) -> Finding:
    """Loaded through diffusers' own conversion of Kohya files, alpha and all, the pictures are the same.

    Where that conversion does not know a layer of a base that is of no known architecture, the file is read by the base's own
    names instead, and the finding says so.
    """
    wanted, known = names_of(recorded), architecture.of(base.unet.config).known
    drawn = plain.draw(base, ours.recipes, file, strength)
    lost = sorted(wanted - drawn.layers)
    if lost and known is not Known.OTHER:
        raise _refused("Kohya", f"diffusers' conversion loses {len(lost)} of {len(wanted)} layers, first {lost[0]}")
    if lost:
        layers = {names.kohya(layer, known): layer for layer in wanted}
        drawn = plain.draw(base, ours.recipes, kohya.folded(load(file.read_bytes()), layers), strength)
    worst = _worst("Kohya", drawn.pictures, ours)
    how = (
        f"read by the base's own names (diffusers' conversion does not know {', '.join(lost)})"
        if lost
        else "loaded by diffusers"
    )
    return Finding(
        "Kohya",
        f"The Kohya file, {how} with its alpha, draws the same: {ours.words} differ by at most {_steps(worst)}.",
        {"layers": len(wanted), "lost": lost, "largest_difference": worst, "tolerance": TOLERANCE},
    )


def lut(file: Path, colouring: Colouring, ours: Ours) -> Finding:
    """An independent reader of the `.cube` has the finish's own colour at every point, and nearly between them.

    How nearly is measured: on the pictures, which must agree to a step of 255 on average, and on any colours, which is told.
    """
    found = cube_reader.read(file.read_bytes())
    exact = float(np.abs(found.values - cube.table(colouring, found.size).numpy()).max())
    if not exact <= TABLE_ROUNDING:
        raise _refused("LUT", f"its entries differ from the finish by up to {exact:.3g}")
    anywhere = torch.rand(3, 1, COLOURS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    on_pictures = np.concatenate([_apart(found, picture.double(), colouring) for picture in ours.pictures])
    on_any = _apart(found, anywhere, colouring)
    figures = {
        "points": found.size,
        "pictures_mean": float(on_pictures.mean()),
        "pictures_max": float(on_pictures.max()),
        "colours_max": float(on_any.max()),
    }
    if not figures["pictures_mean"] <= STEP:
        raise _refused("LUT", f"on pictures it is {_steps(figures['pictures_mean'])} away from the finish on average")
    return Finding(
        "LUT",
        f"The LUT of {found.size} points a side gives the finish's colours: on {ours.words} at most {_steps(figures['pictures_max'])} "
        f"away ({_steps(figures['pictures_mean'])} on average), on any colours at most {_steps(figures['colours_max'])}.",
        figures,
    )


def _understood(meant: Mapping[str, str], unet: Architecture) -> dict[str, int]:
    counts = {}
    for reading in rules.readings(list(meant), unet):
        left, misread = reading.left_over(list(meant)), reading.misread(meant)
        if left or misread:
            first = (left or misread)[0]
            raise _refused(
                "Kohya", f"{reading.tool} would pass over {len(left)} keys and misread {len(misread)}, first {first}"
            )
        counts[reading.tool] = len(reading.layers)
    return counts


def _not_theirs(count: int) -> str:
    return (
        f"ComfyUI, A1111 and InvokeAI cannot load this base, whose UNet is neither Stable Diffusion 1 nor XL, so their key rules "
        f"say nothing of the {count} keys; the Kohya file is for readers that go by the base's own layer names."
    )


def _product_error(ours: Mapping[str, Tensor], recorded: Mapping[str, Tensor]) -> float:
    worst = 0.0
    for name, tensor in recorded.items():
        apart = float((ours[name] - tensor).abs().max() / tensor.abs().max().clamp(min=1e-12))
        worst = max(worst, apart)
        if apart > (ROUNDING if name.endswith(B) else 0):
            raise _refused("Kohya", f"{name}, made again from its keys and alpha, is {apart:.3g} of its size away")
    return worst


def _worst(target: str, theirs: Tensor, ours: Ours) -> float:
    worst = float((theirs - ours.pictures.cpu().float()).abs().max())
    if not worst <= TOLERANCE:
        raise _refused(
            target, f"{ours.words} differ from the farm's by up to {_steps(worst)}; {_steps(TOLERANCE)} is allowed"
        )
    return worst


def _apart(found: cube_reader.Cube, picture: Tensor, colouring: Colouring) -> cube_reader.Array:
    """How far the LUT is from the finish, for every channel of a picture [3, H, W]."""
    wanted = colouring(picture.cpu()).permute(1, 2, 0).numpy()
    got = found.applied(picture.cpu().permute(1, 2, 0).numpy())
    apart: cube_reader.Array = np.abs(got - wanted).ravel()
    return apart


def _steps(difference: float) -> str:
    """A difference of channels as people count it."""
    return f"{difference * 255:.3g}/255"


def _refused(target: str, what: str) -> ExportMismatch:
    return ExportMismatch(
        f"The {target} file failed its proof: {what}.",
        hint="Nothing was written. This is a fault of ours or of the installed diffusers or peft: report it with these numbers.",
    )
