"""What a UNet is told beside latents and timesteps: the prompt, and in some families how the picture was framed. Knows no encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class TextCondition:
    """One prompt: hidden [length, width], pooled [width]; pooled is of width 0 in families whose UNet hears no such vector."""

    hidden: Tensor
    pooled: Tensor

    def silenced(self) -> TextCondition:
        """The same shapes, saying nothing: zeros."""
        return TextCondition(torch.zeros_like(self.hidden), torch.zeros_like(self.pooled))


class Frame(NamedTuple):
    """How a picture of height x width was scaled and cut to its target, in pixels; the order is the one SDXL was trained with."""

    height: int
    width: int
    top: int
    left: int
    target_height: int
    target_width: int

    @classmethod
    def whole(cls, width: int, height: int) -> Frame:
        """A picture that is what it was made as."""
        return cls(height, width, 0, 0, height, width)


@dataclass(frozen=True)
class Told:
    """N samples: hidden [N, length, width], pooled [N, width] and frames [N, 6], whole numbers."""

    hidden: Tensor
    pooled: Tensor
    frames: Tensor

    @classmethod
    def of(cls, texts: Sequence[TextCondition], frames: Iterable[Frame]) -> Told:
        """Prompts and frames one by one, on the CPU or where the prompts are."""
        hidden = torch.stack([text.hidden for text in texts])
        pooled = torch.stack([text.pooled for text in texts])
        return cls(hidden, pooled, torch.tensor(list(frames)).to(hidden.device))

    @classmethod
    def cat(cls, parts: Sequence[Told]) -> Told:
        """The samples of all parts, in order."""
        return cls(*(torch.cat(each) for each in zip(*((p.hidden, p.pooled, p.frames) for p in parts), strict=True)))

    def padded(self, count: int) -> Told:
        """So many samples of zeros more."""
        hidden = F.pad(self.hidden, (0, 0, 0, 0, 0, count))
        return Told(hidden, F.pad(self.pooled, (0, 0, 0, count)), F.pad(self.frames, (0, 0, 0, count)))

    def to(self, device: torch.device, dtype: torch.dtype) -> Told:
        """The same on a device, the texts in dtype; frames stay whole numbers, which 16 bits would round."""
        return Told(self.hidden.to(device, dtype), self.pooled.to(device, dtype), self.frames.to(device))
