"""The tiny base's parts that read prompts and denoise: tokenizer, text encoder, UNet, scheduler.

Every word of the drawn world is one token. It refuses to know how they are trained.
"""

from __future__ import annotations

import collections
import itertools
import json
from pathlib import Path
from typing import Any, Final

from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from jobs.bases.drawn.words import VOCABULARY
from jobs.bases.train_tiny_vae import LATENT_CHANNELS

PROMPT_LENGTH: Final = 24
LATENT_SIDE: Final = 16
TEXT_WIDTH: Final = 96
CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789,.-!'&"
START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"


def scheduler() -> Any:
    """Zero terminal SNR, v-prediction, trailing steps: pure noise is where sampling starts."""
    kind: Any = DDIMScheduler
    return kind(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def unet() -> Any:
    """A fresh UNet of 3.75 M parameters; the pooled prompt steers every block, attention sits at 8 x 8."""
    kind: Any = UNet2DConditionModel
    return kind(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        block_out_channels=(64, 96, 128),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=(2, 3, 4),  # the number of heads, of 32 channels each
        norm_num_groups=8,
        transformer_layers_per_block=1,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def text_encoder(tokens: Any) -> Any:
    """A fresh CLIP text encoder of two layers for this tokenizer, 0.18 M parameters."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=3,
            max_position_embeddings=PROMPT_LENGTH,
            projection_dim=TEXT_WIDTH,
            bos_token_id=tokens.bos_token_id,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
            hidden_act="gelu",
            attention_dropout=0.0,
        )
    )


def pipeline(vae: Any, text: Any, tokens: Any, denoiser: Any) -> Any:
    """The parts as a plain diffusers pipeline, silent."""
    kind: Any = StableDiffusionPipeline
    whole = kind(
        vae=vae,
        text_encoder=text,
        tokenizer=tokens,
        unet=denoiser,
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    whole.set_progress_bar_config(disable=True)
    return whole


def tokenizer(folder: Path) -> Any:
    """Write the tokenizer's files into `folder` and load it from there."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = _merges(sorted(set(VOCABULARY)))
    tokens = [*CHARACTERS, *(c + "</w>" for c in CHARACTERS), *(a + b for a, b in merges), START, END]
    numbered = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": PROMPT_LENGTH, "do_lower_case": True}
    (folder / "vocab.json").write_text(json.dumps(numbered))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | special | {"add_prefix_space": False}))
    return CLIPTokenizer.from_pretrained(folder)


def _merges(vocabulary: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the commonest pair first, until each word is one token."""
    spelled = [[*word[:-1], word[-1] + "</w>"] for word in vocabulary]
    merges: list[tuple[str, str]] = []
    while any(len(word) > 1 for word in spelled):
        pairs = collections.Counter(pair for word in spelled for pair in itertools.pairwise(word))
        most = max(pairs.values())
        merges.append(min(pair for pair, count in pairs.items() if count == most))
        spelled = [_merged(word, merges[-1]) for word in spelled]
    return merges


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for part in word:
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return merged
