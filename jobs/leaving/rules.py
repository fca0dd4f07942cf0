"""How ComfyUI, A1111 and InvokeAI find the layer that a Kohya key means, as far as UNets go. Facts, written again; no tensors.

Each rule gets the stems of a file and the UNet's blocks, and answers which layer (by diffusers' name) the tool would change.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from jobs.leaving.architecture import Architecture, Known
from jobs.leaving.names import flat

RESNETS_PER_LEVEL = 2

ATTENTION_LEAVES = ("norm", "proj_in", "proj_out")
LAYER_LEAVES = (
    *(f"{attention}.{leaf}" for attention in ("attn1", "attn2") for leaf in ("to_q", "to_k", "to_v", "to_out.0")),
    *("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3"),
)
RESNET_LEAVES = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
OUTSIDE = {
    "input_blocks.0.0": "conv_in",
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}

Layers = Mapping[str, str]
"""Diffusers' name of a layer by the original UNet's."""


@dataclass(frozen=True)
class Reading:
    """What a tool makes of a file: the layer that each stem means to it."""

    tool: str
    layers: Mapping[str, str]

    def left_over(self, stems: Collection[str]) -> list[str]:
        """The stems that the tool would pass over."""
        return [stem for stem in stems if stem not in self.layers]

    def misread(self, meant: Mapping[str, str]) -> list[str]:
        """The stems that the tool would put on another layer than the one that is meant."""
        return [stem for stem, layer in self.layers.items() if meant[stem] != layer]


def readings(stems: Collection[str], unet: Architecture) -> tuple[Reading, ...]:
    """What each of the tools makes of the stems."""
    layers = original_layers(unet)
    found = {
        "ComfyUI": {stem: comfyui(stem, layers) for stem in stems},
        "A1111": {stem: a1111(stem, layers) for stem in stems},
        "InvokeAI": {stem: invokeai(stem, layers, unet.known) for stem in stems},
    }
    return tuple(
        Reading(tool, {stem: layer for stem, layer in answers.items() if layer}) for tool, answers in found.items()
    )


def original_layers(unet: Architecture) -> dict[str, str]:
    """Every layer of the original UNet of those blocks, walked in the order in which it is built."""
    named = dict(_walked(unet))
    return named | {name: layer for name, layer in OUTSIDE.items() if unet.known is Known.SDXL or "label" not in name}


def comfyui(stem: str, layers: Layers) -> str | None:
    """ComfyUI lists the keys it looks for: `lora_unet_` and a layer's flat name, in the original's or in diffusers' words."""
    wanted = {f"lora_unet_{flat(name)}": layer for name, layer in layers.items()}
    wanted |= {f"lora_unet_{flat(layer)}": layer for layer in layers.values()}
    return wanted.get(stem)


def a1111(stem: str, layers: Layers) -> str | None:
    """A1111 turns diffusers' words into the original's by counting; what has those already, it takes as it is."""
    modules = {f"diffusion_model_{flat(name)}": layer for name, layer in layers.items()}
    return modules.get(_counted(stem)) or modules.get(stem.replace("lora_unet", "diffusion_model"))


def invokeai(stem: str, layers: Layers, known: Known) -> str | None:
    """InvokeAI runs diffusers' UNet: SDXL's original words become diffusers', by the nearest known beginning; then it walks down."""
    if not stem.startswith("lora_unet_"):
        return None
    name = stem.removeprefix("lora_unet_")
    return _walked_down(_begun_anew(name) if known is Known.SDXL else name, set(layers.values()))


def _walked(unet: Architecture) -> Iterator[tuple[str, str]]:
    last, place = len(unet.depths) - 1, 1
    for level, depth in enumerate(unet.depths):
        for number in range(RESNETS_PER_LEVEL):
            yield from _block(f"input_blocks.{place}", f"down_blocks.{level}", number, depth)
            place += 1
        if level < last:
            yield f"input_blocks.{place}.0.op", f"down_blocks.{level}.downsamplers.0.conv"
            place += 1
    yield from _resnet("middle_block.0", "mid_block.resnets.0")
    yield from _transformer("middle_block.1", "mid_block.attentions.0", unet.middle_depth)
    yield from _resnet("middle_block.2", "mid_block.resnets.1")
    place = 0
    for level, depth in enumerate(reversed(unet.depths)):
        for number in range(RESNETS_PER_LEVEL + 1):
            yield from _block(f"output_blocks.{place}", f"up_blocks.{level}", number, depth)
            if number == RESNETS_PER_LEVEL and level < last:
                yield f"output_blocks.{place}.{2 if depth else 1}.conv", f"up_blocks.{level}.upsamplers.0.conv"
            place += 1


def _block(name: str, level: str, number: int, depth: int) -> Iterator[tuple[str, str]]:
    yield from _resnet(f"{name}.0", f"{level}.resnets.{number}")
    if depth:
        yield from _transformer(f"{name}.1", f"{level}.attentions.{number}", depth)


def _resnet(name: str, layer: str) -> Iterator[tuple[str, str]]:
    for leaf, theirs in RESNET_LEAVES.items():
        yield f"{name}.{leaf}", f"{layer}.{theirs}"


def _transformer(name: str, layer: str, depth: int) -> Iterator[tuple[str, str]]:
    leaves = [f"transformer_blocks.{number}.{leaf}" for number in range(depth) for leaf in LAYER_LEAVES]
    for leaf in (*ATTENTION_LEAVES, *leaves):
        yield f"{name}.{leaf}", f"{layer}.{leaf}"


def _counted(stem: str) -> str:
    """A1111's arithmetic: three places to a level, on the way down from 1 and on the way up from 0."""
    tails = {theirs: flat(leaf) for leaf, theirs in RESNET_LEAVES.items()}
    if found := re.match(r"lora_unet_(down|up)_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)", stem):
        way, level, kind, number, tail = found.groups()
        blocks, start = ("input", 1) if way == "down" else ("output", 0)
        tail = tails.get(tail, tail) if kind == "resnets" else tail
        return (
            f"diffusion_model_{blocks}_blocks_{start + int(level) * 3 + int(number)}_{int(kind == 'attentions')}_{tail}"
        )
    if found := re.match(r"lora_unet_mid_block_(attentions|resnets)_(\d+)_(.+)", stem):
        kind, number, tail = found.groups()
        tail = tails.get(tail, tail) if kind == "resnets" else tail
        return f"diffusion_model_middle_block_{1 if kind == 'attentions' else int(number) * 2}_{tail}"
    if found := re.match(r"lora_unet_time_embedding_linear_(\d+)(.*)", stem):
        return f"diffusion_model_time_embed_{int(found[1]) * 2 - 2}{found[2]}"
    return stem


def _beginnings() -> dict[str, str]:
    """InvokeAI's table for SDXL: three levels each way, with a place for attention on every one of them."""
    table = {flat(name): flat(layer) for name, layer in OUTSIDE.items()}
    for level in range(3):
        table[f"input_blocks_{3 * level + 3}_0_op"] = f"down_blocks_{level}_downsamplers_0_conv"
        table[f"output_blocks_{3 * level + 2}_2"] = f"up_blocks_{level}_upsamplers_0"
        ways = [(f"input_blocks_{3 * level + number + 1}", f"down_blocks_{level}", number) for number in range(2)]
        ways += [(f"output_blocks_{3 * level + number}", f"up_blocks_{level}", number) for number in range(3)]
        for name, way, number in ways:
            table[f"{name}_1"] = f"{way}_attentions_{number}"
            table |= {f"{name}_0_{flat(leaf)}": f"{way}_resnets_{number}_{own}" for leaf, own in RESNET_LEAVES.items()}
    table["middle_block_1"] = "mid_block_attentions_0"
    for number in range(2):
        table |= {
            f"middle_block_{2 * number}_{flat(leaf)}": f"mid_block_resnets_{number}_{own}"
            for leaf, own in RESNET_LEAVES.items()
        }
    return table


def _begun_anew(name: str) -> str:
    table = _beginnings()
    known = sorted(table)
    nearest = known[bisect.bisect_right(known, name) - 1]
    return name.replace(nearest, table[nearest]) if name.startswith(nearest) else name


def _walked_down(name: str, layers: Collection[str]) -> str | None:
    """The layer that is found by taking the shortest word that is a part of the UNet, again and again."""
    parts = {".".join(layer.split(".")[:length]) for layer in layers for length in range(1, layer.count(".") + 2)}
    first, *words = name.split("_")
    here, word = "", first
    for following in words:
        if f"{here}{word}" in parts:
            here, word = f"{here}{word}.", following
        else:
            word = f"{word}_{following}"
    found = f"{here}{word}"
    return found if found in layers else None
