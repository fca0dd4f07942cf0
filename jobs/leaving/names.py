"""What a layer of a UNet is called in Kohya's files. Pure: names in, names out.

Kohya's trainer writes Stable Diffusion 1 by diffusers' names, and SDXL by the names of the original UNet, in which blocks are
counted through: three to a level, the third of the way down being the downsampler.
"""

from __future__ import annotations

from jobs.errors import ExportMismatch
from jobs.leaving.architecture import Known

PREFIX = "lora_unet_"
PER_LEVEL = 3

BRANCH = {"resnets": 0, "attentions": 1}
OF_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
ALONE = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}


def kohya(layer: str, known: Known) -> str:
    """The stem of a layer's three keys. Raises ExportMismatch where the original UNet has no such layer."""
    name = original(layer) if known is Known.SDXL else layer
    return PREFIX + flat(name)


def flat(name: str) -> str:
    """A module's name as it stands within a key."""
    return name.replace(".", "_")


def original(layer: str) -> str:
    """The name that SDXL's original UNet has for a layer of diffusers' UNet. Raises ExportMismatch."""
    if layer in ALONE:
        return ALONE[layer]
    match layer.split("."):
        case ["down_blocks", level, "downsamplers", "0", "conv"]:
            return f"input_blocks.{PER_LEVEL * (int(level) + 1)}.0.op"
        case ["up_blocks", level, "upsamplers", "0", "conv"]:
            return f"output_blocks.{PER_LEVEL * int(level) + 2}.2.conv"
        case ["down_blocks", level, ("resnets" | "attentions") as kind, place, *rest]:
            return f"input_blocks.{1 + PER_LEVEL * int(level) + int(place)}.{BRANCH[kind]}.{_within(kind, rest)}"
        case ["up_blocks", level, ("resnets" | "attentions") as kind, place, *rest]:
            return f"output_blocks.{PER_LEVEL * int(level) + int(place)}.{BRANCH[kind]}.{_within(kind, rest)}"
        case ["mid_block", "attentions", "0", *rest]:
            return f"middle_block.1.{_within('attentions', rest)}"
        case ["mid_block", "resnets", place, *rest]:
            return f"middle_block.{2 * int(place)}.{_within('resnets', rest)}"
    raise ExportMismatch(
        f"Layer {layer} has no name in Kohya's files: the original UNet of SDXL has no such layer.",
        hint="Export with --format diffusers, which keeps the layer; nothing was written.",
    )


def _within(kind: str, rest: list[str]) -> str:
    return ".".join([OF_RESNET.get(rest[0], rest[0]), *rest[1:]] if kind == "resnets" else rest)
