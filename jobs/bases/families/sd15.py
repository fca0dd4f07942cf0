"""Stable Diffusion 1.x and 2.x, and the tiny base: one CLIP text encoder, whose last layer is all that the UNet is told."""

from __future__ import annotations

from typing import Any

from jobs.bases.families import clip
from jobs.bases.loading import Base
from jobs.bases.told import TextCondition, Told


class SD15:
    """See `Family`."""

    def tokenizers(self, base: Base) -> tuple[Any, ...]:
        """The only one."""
        return (base.tokenizer,)

    def encode(self, base: Base, text: str) -> TextCondition:
        """The last hidden states; no pooled vector."""
        hidden = base.text_encoder(clip.ids(base.tokenizer, text).to(base.device)).last_hidden_state[0]
        return TextCondition(hidden, hidden.new_zeros(0))

    def unet_arguments(self, told: Told) -> dict[str, Any]:
        """Hidden states only."""
        return {"encoder_hidden_states": told.hidden}

    def pooled_width(self, unet_config: Any) -> int:
        """None."""
        return 0
