"""The prompt stage and the picture stage: texts to embeddings, pictures to latents and back. Runs the frozen encoders only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from jobs.bases.loading import Base


@dataclass(frozen=True)
class TextCondition:
    """What the UNet is told about one prompt: hidden [length, width]. SDXL's pooled vector and sizes will stand beside it."""

    hidden: Tensor


@torch.no_grad()
def encode_texts(base: Base, texts: Sequence[str]) -> list[TextCondition]:
    """Each text encoded in its own call, so that its bits depend on nothing beside it."""
    return [TextCondition(_encode(base, text)) for text in texts]


def _encode(base: Base, text: str) -> Tensor:
    tokens = base.tokenizer(
        [text],
        padding="max_length",
        truncation=True,
        max_length=base.tokenizer.model_max_length,
        return_tensors="pt",
    )
    hidden: Tensor = base.text_encoder(tokens.input_ids.to(base.device)).last_hidden_state[0]
    return hidden


def text_problems(base: Base, text: str) -> list[str]:
    """What the encoder will not hear of a text: unknown words, and what lies beyond its length. Empty where all is heard."""
    ids: list[int] = base.tokenizer(text, add_special_tokens=True, truncation=False).input_ids
    problems = []
    unknown = _unknown_words(base, text)
    if unknown:
        problems.append(f"the base does not know the word(s) {', '.join(unknown)}")
    if len(ids) > base.tokenizer.model_max_length:
        problems.append(f"{text!r} is cut at {base.tokenizer.model_max_length} tokens of {len(ids)}")
    return problems


WHOLE_WORDS = 1000
"""A vocabulary smaller than this holds whole words and falls back on letters; a larger one spells any word in pieces."""


def _unknown_words(base: Base, text: str) -> list[str]:
    if len(base.tokenizer) >= WHOLE_WORDS:
        return []
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", text.lower()))
    return [word for word in words if len(base.tokenizer(word, add_special_tokens=False).input_ids) > 1]


@torch.no_grad()
def encode_picture(base: Base, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior mean and standard deviation [C, h, w] of one picture [3, H, W] in [0, 1], scaled as the UNet expects."""
    posterior = base.vae.encode(picture[None].to(base.device, base.dtype) * 2 - 1).latent_dist
    scale = float(base.vae.config.scaling_factor)
    shift = float(base.vae.config.shift_factor or 0.0)
    return (posterior.mean[0] - shift) * scale, posterior.std[0] * scale


@torch.no_grad()
def decode_latents(base: Base, latents: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] in [0, 1] from latents [N, C, h, w]."""
    scale = float(base.vae.config.scaling_factor)
    shift = float(base.vae.config.shift_factor or 0.0)
    pictures: Tensor = base.vae.decode(latents / scale + shift).sample
    return (pictures / 2 + 0.5).clamp(0, 1)
