"""The prompt stage and the picture stage: texts to embeddings, pictures to latents and back. Runs the frozen encoders only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from jobs.bases import families
from jobs.bases.loading import Base
from jobs.bases.told import TextCondition


@torch.no_grad()
def encode_texts(base: Base, texts: Sequence[str]) -> list[TextCondition]:
    """Each text encoded in its own call, so that its bits depend on nothing beside it."""
    family = families.of(base)
    return [family.encode(base, text) for text in texts]


def as_negative(base: Base, text: str, encoded: TextCondition) -> TextCondition:
    """An encoded text as what guidance leads away from, and what caption dropout trains; no text is zeros where the base has it so."""
    return encoded.silenced() if base.zeros_for_empty and not text else encoded


def text_problems(base: Base, text: str) -> list[str]:
    """What the encoders will not hear of a text: unknown words, and what lies beyond their length. Empty where all is heard."""
    tokenizers = families.of(base).tokenizers(base)
    return list(dict.fromkeys(problem for each in tokenizers for problem in _problems(each, text)))


def _problems(tokenizer: Any, text: str) -> list[str]:
    ids: list[int] = tokenizer(text, add_special_tokens=True, truncation=False).input_ids
    problems = []
    unknown = _unknown_words(tokenizer, text)
    if unknown:
        problems.append(f"the base does not know the word(s) {', '.join(unknown)}")
    if len(ids) > tokenizer.model_max_length:
        problems.append(f"{text!r} is cut at {tokenizer.model_max_length} tokens of {len(ids)}")
    return problems


WHOLE_WORDS = 1000
"""A vocabulary smaller than this holds whole words and falls back on letters; a larger one spells any word in pieces."""


def _unknown_words(tokenizer: Any, text: str) -> list[str]:
    if len(tokenizer) >= WHOLE_WORDS:
        return []
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", text.lower()))
    return [word for word in words if len(tokenizer(word, add_special_tokens=False).input_ids) > 1]


@torch.no_grad()
def encode_picture(base: Base, picture: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior mean and standard deviation [C, h, w] of one picture [3, H, W] in [0, 1], scaled as the UNet expects."""
    posterior = base.vae.encode(picture[None].to(base.device, base.vae.dtype) * 2 - 1).latent_dist
    scale = float(base.vae.config.scaling_factor)
    shift = float(base.vae.config.shift_factor or 0.0)
    return (posterior.mean[0] - shift) * scale, posterior.std[0] * scale


@torch.no_grad()
def decode_latents(base: Base, latents: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] in [0, 1] from latents [N, C, h, w]."""
    scale = float(base.vae.config.scaling_factor)
    shift = float(base.vae.config.shift_factor or 0.0)
    pictures: Tensor = base.vae.decode(latents.to(base.vae.dtype) / scale + shift).sample
    return (pictures / 2 + 0.5).clamp(0, 1)
