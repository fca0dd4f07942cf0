"""Keys as Kohya writes them, and what ComfyUI, A1111 and InvokeAI make of them: every one understood, none misread."""

from __future__ import annotations

import pytest
from diffusers import UNet2DConditionModel

from jobs.adapters.layout import names_of
from jobs.errors import ExportMismatch
from jobs.leaving import architecture, names, rules
from jobs.leaving.architecture import Architecture, Known
from tests.jobs.leaving.given import adapter, base
from tests.jobs.small_bases import base as other_base

SD1 = Architecture(Known.SD1, (1, 1, 1, 0), 1, 768)
SDXL = Architecture(Known.SDXL, (0, 2, 10), 10, 2048)
TRAINED_BY_KOHYA = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")


def meant(family: str) -> dict[str, str]:
    """Layers by the stems of their keys, of an adapter on every layer that we can train."""
    known = architecture.of(base(family).unet.config).known
    return {names.kohya(layer, known): layer for layer in names_of(adapter(base(family).unet))}


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_every_tool_finds_the_layer_that_a_key_means(family: str) -> None:
    stems = meant(family)
    unet = architecture.of(base(family).unet.config)
    for reading in rules.readings(list(stems), unet):
        assert reading.left_over(list(stems)) == [], reading.tool
        assert reading.layers == stems, reading.tool


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_layers_that_the_rules_know_are_those_of_the_real_unet(family: str) -> None:
    unet: UNet2DConditionModel = base(family).unet
    walked = set(rules.original_layers(architecture.of(unet.config)).values())
    real = {name.removesuffix(".weight") for name in unet.state_dict() if name.endswith(".weight")}
    shortcuts = {name for name in walked - real if name.endswith("conv_shortcut")}  # only where channels change
    assert walked - shortcuts == real


@pytest.mark.parametrize(("unet", "count"), [(SD1, 192), (SDXL, 722)])
def test_as_many_layers_as_kohyas_trainer_reports(unet: Architecture, count: int) -> None:
    layers = rules.original_layers(unet).values()
    assert sum("attentions" in layer and layer.endswith(TRAINED_BY_KOHYA) for layer in layers) == count


@pytest.mark.parametrize(
    ("layer", "known", "stem"),
    [
        (
            "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
            Known.SD1,
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        ),
        (
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
            Known.SDXL,
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        ),
        ("up_blocks.1.attentions.2.proj_in", Known.SDXL, "lora_unet_output_blocks_5_1_proj_in"),
        ("up_blocks.0.upsamplers.0.conv", Known.SDXL, "lora_unet_output_blocks_2_2_conv"),
        ("down_blocks.0.downsamplers.0.conv", Known.SDXL, "lora_unet_input_blocks_3_0_op"),
        ("mid_block.resnets.1.time_emb_proj", Known.SDXL, "lora_unet_middle_block_2_emb_layers_1"),
        ("add_embedding.linear_2", Known.SDXL, "lora_unet_label_emb_0_2"),
    ],
)
def test_names_as_kohyas_trainer_writes_them(layer: str, known: Known, stem: str) -> None:
    assert names.kohya(layer, known) == stem


def test_a_key_that_a_tool_does_not_know_is_left_over_and_a_wrong_one_misread() -> None:
    comfy, a1111, invoke = rules.readings(["lora_unet_input_blocks_4_2_proj_in"], SDXL)
    for reading in (comfy, a1111, invoke):
        assert reading.left_over(["lora_unet_input_blocks_4_2_proj_in"])
    stem = "lora_unet_input_blocks_5_1_proj_in"
    for reading in rules.readings([stem], SDXL):
        assert reading.misread({stem: "down_blocks.1.attentions.0.proj_in"}) == [stem]


def test_a_layer_that_the_original_never_had_is_refused_by_name() -> None:
    with pytest.raises(ExportMismatch, match=r"add_embedding\.proj"):
        names.kohya("add_embedding.proj", Known.SDXL)


@pytest.mark.parametrize(("family", "known"), [("sd15", Known.SD1), ("sdxl", Known.SDXL)])
def test_an_architecture_is_known_by_its_blocks(family: str, known: Known) -> None:
    found = architecture.of(base(family).unet.config)
    assert (found.known, found.has_known_widths) == (known, False)
    assert architecture.of(other_base(family).unet.config).known is Known.OTHER


def test_stable_diffusion_2_is_not_taken_for_1() -> None:
    config = {**base("sd15").unet.config, "cross_attention_dim": 1024}
    assert architecture.of(config).known is Known.OTHER
