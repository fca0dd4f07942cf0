"""What every family answers. Knows none of them."""

from __future__ import annotations

from typing import Any, Protocol

from jobs.bases.loading import Base
from jobs.bases.told import TextCondition, Told


class Family(Protocol):
    """Bases that are told of prompts in the same way."""

    def tokenizers(self, base: Base) -> tuple[Any, ...]:
        """Every tokenizer that reads a prompt."""
        ...

    def encode(self, base: Base, text: str) -> TextCondition:
        """One text, encoded in a call of its own."""
        ...

    def unet_arguments(self, told: Told) -> dict[str, Any]:
        """The named arguments by which the UNet is told, beside latents and timesteps."""
        ...

    def pooled_width(self, unet_config: Any) -> int:
        """The width of the pooled vectors that a UNet of those settings hears; 0 for none."""
        ...
