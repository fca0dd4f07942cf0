"""Which files of a model's folder are taken, and under which names they are kept. Pure: reads nothing.

Weights are safetensors alone: a pickle can run code on whoever loads it, so it is named and refused where nothing stands in for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.bases.catalogue import UNCOUNTED
from jobs.errors import BaseRefused

INDEX = "model_index.json"
STEMS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
"""The parts that have weights, and how diffusers calls the file."""

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".msgpack")
LARGEST_SETTINGS_BYTES = 64 * 2**20
_SHARD = re.compile(r"-\d{5}-of-(\d{5})")


@dataclass(frozen=True)
class Offered:
    """A file that a source offers: its path below the source, its size in bytes, and its digest if the source tells it."""

    name: str
    size: int
    digest: str = ""


def select(offered: Iterable[Offered], parts: Sequence[str], variant: str = "") -> dict[str, Offered]:
    """The files of a model's parts by the path under which they are kept. A variant's files lose its name, such as fp16.

    Raises BaseRefused for names that leave the folder, pickles without a safetensors twin, missing weights, odd sizes.
    """
    files = {file.name: file for file in offered}
    for name in files:
        require_inside(name)
    if variant and not any(f".{variant}." in name for name in files):
        raise BaseRefused(
            f"No file of the model is of the variant {variant}.", hint="Leave --variant out, or look at its files."
        )
    taken = {INDEX: files[INDEX]}
    for part in parts:
        inside = {
            name.removeprefix(f"{part}/"): file
            for name, file in files.items()
            if name.startswith(f"{part}/") and "/" not in name.removeprefix(f"{part}/")
        }
        kept = {**_settings(inside), **(_weights(part, inside, variant) if part in STEMS else {})}
        taken |= {f"{part}/{name}": file for name, file in kept.items()}
    _require_sound(taken.values())
    return dict(sorted(taken.items()))


def require_inside(name: str) -> None:
    """Refuses a name that would leave the folder if anybody made a path of it."""
    steps = name.split("/")
    if "\\" in name or "\0" in name or any(step in ("", ".", "..") for step in steps):
        raise BaseRefused(
            f"The model holds {name!r}, a name that leaves its folder.", hint="Rename that file, or leave it out."
        )


def _settings(inside: Mapping[str, Offered]) -> dict[str, Offered]:
    return {
        name: file
        for name, file in inside.items()
        if name.endswith((".json", ".txt"))
        and ".safetensors." not in name
        and ".bin." not in name
        and name != UNCOUNTED
    }


def _weights(part: str, inside: Mapping[str, Offered], variant: str) -> dict[str, Offered]:
    """The part's weights: one file, or shards and their index; of the variant where the part has it."""
    stem = STEMS[part]
    whole = f"{stem}.safetensors"
    if variant and f"{stem}.{variant}.safetensors" in inside:
        return {whole: inside[f"{stem}.{variant}.safetensors"]}
    if whole in inside:
        return {whole: inside[whole]}
    shards = dict(_shards(stem, inside))
    if shards and f"{whole}.index.json" in inside:
        return shards | {f"{whole}.index.json": inside[f"{whole}.index.json"]}
    raise _no_weights(part, stem, inside)


def _shards(stem: str, inside: Mapping[str, Offered]) -> Iterator[tuple[str, Offered]]:
    for name, file in inside.items():
        match = _SHARD.fullmatch(name.removeprefix(stem).removesuffix(".safetensors"))
        if match and name == f"{stem}{match.group()}.safetensors":
            yield name, file


def _no_weights(part: str, stem: str, inside: Collection[str]) -> BaseRefused:
    variants = sorted(
        name.removeprefix(f"{stem}.").removesuffix(".safetensors")
        for name in inside
        if name.startswith(f"{stem}.") and name.endswith(".safetensors")
    )
    if variants:
        return BaseRefused(
            f"The model's {part} has safetensors only as {', '.join(variants)}.",
            hint=f"Take that with --variant {variants[0]}.",
        )
    pickles = sorted(f"{part}/{name}" for name in inside if name.endswith(PICKLES))
    if pickles:
        return BaseRefused(
            f"The weights {', '.join(pickles)} are pickles, which can run code on whoever loads them, "
            f"and there is no {part}/{stem}.safetensors.",
            hint="Ask for its safetensors, or write them with diffusers' save_pretrained on a machine that you trust with it.",
        )
    return BaseRefused(
        f"The model has no {part}/{stem}.safetensors.",
        hint="Name the folder that holds model_index.json and its parts.",
    )


def _require_sound(files: Iterable[Offered]) -> None:
    for file in files:
        if file.size == 0 and file.name.endswith(".safetensors"):
            raise BaseRefused(f"{file.name} is empty.", hint="Was it downloaded whole? Get it again.")
        if not file.name.endswith(".safetensors") and file.size > LARGEST_SETTINGS_BYTES:
            raise BaseRefused(
                f"{file.name} has {file.size:,} bytes; settings have at most {LARGEST_SETTINGS_BYTES:,}.",
                hint="Is it what it is called? Leave it out.",
            )
