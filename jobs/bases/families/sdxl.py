"""Stable Diffusion XL, base model only: two CLIP text encoders, a pooled vector, and the frame of the picture.

As diffusers' StableDiffusionXLPipeline does it, without its refiner and with the same prompt for both encoders.
"""

from __future__ import annotations

from typing import Any

import torch

from jobs.bases.families import clip
from jobs.bases.loading import Base
from jobs.bases.told import Frame, TextCondition, Told


class SDXL:
    """See `Family`."""

    def tokenizers(self, base: Base) -> tuple[Any, ...]:
        """Both."""
        return base.tokenizer, base.tokenizer_2

    def encode(self, base: Base, text: str) -> TextCondition:
        """The last hidden states but one of both encoders, side by side; the second's projection as the pooled vector."""
        first = base.text_encoder(clip.ids(base.tokenizer, text).to(base.device), output_hidden_states=True)
        second = base.text_encoder_2(clip.ids(base.tokenizer_2, text).to(base.device), output_hidden_states=True)
        hidden = torch.cat([first.hidden_states[-2][0], second.hidden_states[-2][0]], dim=-1)
        return TextCondition(hidden, second.text_embeds[0])

    def unet_arguments(self, told: Told) -> dict[str, Any]:
        """Hidden states, and the pooled vector and frame as added conditions."""
        added = {"text_embeds": told.pooled, "time_ids": told.frames}
        return {"encoder_hidden_states": told.hidden, "added_cond_kwargs": added}

    def pooled_width(self, unet_config: Any) -> int:
        """What the UNet's added projection takes, less the numbers of a frame."""
        taken = unet_config.projection_class_embeddings_input_dim
        return int(taken - len(Frame._fields) * unet_config.addition_time_embed_dim)
