"""What the tests of leaving are given: small UNets of the two architectures that other tools know, adapters, a model to export."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save
from torch import Tensor

from jobs import blobs
from jobs.adapters.layout import A, Layout
from jobs.bases.loading import Base
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.leaving.model import BaseFacts, DatasetFacts, Model, Picture
from jobs.ports import ObjectStore
from jobs.records import TrainRecord
from jobs.shots import AdapterUse, Look, Plan, Sampling
from jobs.spec import TrainRecipe
from tests import builders
from tests.jobs import small_bases

FINISH = (FinishStep(colour=Colour(contrast=-20, saturation=-10)), FinishStep(grain=Grain(power=0.2)))
BLOCKS: dict[str, dict[str, Any]] = {
    "sd15": {
        "block_out_channels": (8, 8, 16, 16),
        "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        "cross_attention_dim": small_bases.WIDTHS["sd15"],
    },
    "sdxl": {
        "block_out_channels": (8, 8, 16),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": small_bases.WIDTHS["sdxl"],
        "transformer_layers_per_block": (1, 1, 2),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": small_bases.PROJECTED + 6 * 8,
    },
}
"""The blocks of Stable Diffusion 1 and of SDXL, at widths that a test can pay for."""


@cache
def base(family: str) -> Base:
    """A small base with the very blocks of its family."""
    torch.manual_seed(3)
    unet = UNet2DConditionModel(
        sample_size=8, layers_per_block=2, attention_head_dim=2, norm_num_groups=4, **BLOCKS[family]
    )
    return dataclasses.replace(small_bases.base(family), unet=unet.eval().requires_grad_(False))


def adapter(unet: Any, rank: int = 4, targets: str = "conv", size: float = 0.3) -> dict[str, Tensor]:
    """Random weights on every layer that a set names, in PEFT keys."""
    chance = torch.Generator().manual_seed(5)
    layout = Layout.of(unet, targets, rank)
    empty = layout.unpack(torch.zeros(layout.width), rank, layout.names)
    return {
        name: torch.randn(tensor.shape, generator=chance) * (size if name.endswith(A) else size / 2)
        for name, tensor in empty.items()
    }


def model(
    store: ObjectStore,
    of: Base,
    *,
    alpha: float = 4.0,
    rank: int = 4,
    side: int = 64,
    finish: tuple[FinishStep, ...] = FINISH,
    strength: float = 1.0,
    pictures: tuple[Picture, ...] = (),
) -> Model:
    """A version of stable-socks on a base, its adapter kept in the store; `side` is of its sheet's pictures, in pixels."""
    digest = blobs.put(store, save(adapter(of.unet, rank)))
    look = Look(
        label="stable-socks v3",
        project="default/stable-socks",
        version="v3",
        adapters=(AdapterUse(digest=digest),),
        trigger="stblsx",
        class_name="sock",
        finish=finish,
    )
    record = TrainRecord(
        asked=builders.digest("asked 3"),
        dataset=builders.digest("dataset"),
        base=of.digest,
        trigger="stblsx",
        recipe=TrainRecipe(rank=rank, alpha=alpha, steps=30),
        adapter=digest,
        rank=rank,
        targets=["to_q", "conv2"],
        final_loss=0.1,
        losses=builders.digest("losses"),
        samples=builders.digest("samples"),
        made={"torch": "2"},
    )
    captions = ("a stblsx sock, at night", "a stblsx sock, at sunset", "a stblsx sock, at night")
    return Model(
        name="stable-socks",
        namespace="default",
        version="v3",
        state="approved",
        concept="product",
        class_name="sock",
        record=record,
        frozen=builders.version_record(3),
        dataset=DatasetFacts(record.dataset, 3, captions, "Studio A", "owned"),
        base=BaseFacts("small", of.family, of.digest, "CreativeML Open RAIL-M", True, "A small one."),
        plan=Plan(
            base=of.digest,
            looks=(Look(label="base"), look),
            prompts=("a stblsx sock at night",),
            sizes=((side, side),),
            seeds=(7, 21),
            sampling=Sampling(steps=2, guidance=2.0),
        ),
        finish=finish,
        strength=strength,
        pictures=pictures,
    )
