"""What the families with CLIP text encoders share: a prompt as token ids, always of the encoder's full length."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def ids(tokenizer: Any, text: str) -> Tensor:
    """Token ids [1, length] of a text, padded or cut."""
    tokens: Tensor = tokenizer(
        [text], padding="max_length", truncation=True, max_length=tokenizer.model_max_length, return_tensors="pt"
    ).input_ids
    return tokens
