"""A dataset as the training loop sees it: latents and text embeddings only. Knows no pixels, captions or encoders."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from jobs.bases.told import Told


@dataclass(frozen=True)
class PreparedDataset:
    """Everything that is computed once before training: n pictures, m captions, p prior pictures.

    mean, std: the VAE's posterior of each picture [n, C, h, w], scaled as the UNet expects. captions: [m, length, width];
    caption_of: [n], which caption goes with which picture. empty: the empty caption [length, width]. prior_latents:
    [p, C, h, w] and prior_hidden: [p, length, width]; p may be 0 where the recipe wants no prior. Beside the hidden states stand
    the pooled vectors, of width 0 in families without; frames: [n, 6] and prior_frames: [p, 6], how each picture was cut.
    """

    mean: Tensor
    std: Tensor
    captions: Tensor
    caption_of: Tensor
    empty: Tensor
    prior_latents: Tensor
    prior_hidden: Tensor
    captions_pooled: Tensor
    empty_pooled: Tensor
    prior_pooled: Tensor
    frames: Tensor
    prior_frames: Tensor

    def __post_init__(self) -> None:
        pictures, text = len(self.mean), self.empty.shape
        assert pictures > 0, "a dataset without pictures"
        assert self.mean.shape == self.std.shape, f"means {self.mean.shape}, deviations {self.std.shape}"
        assert self.caption_of.shape == (pictures,), f"{pictures} pictures, captions for {self.caption_of.shape}"
        assert self.captions.shape[1:] == text, f"captions {self.captions.shape}, the empty one {text}"
        assert self.prior_latents.shape[1:] == self.mean.shape[1:], "prior pictures of another size"
        assert self.prior_hidden.shape == (len(self.prior_latents), *text), "prior captions that do not fit"
        assert len(self.captions_pooled) == len(self.captions), "captions without their pooled vectors"
        assert len(self.prior_pooled) == len(self.prior_frames) == len(self.prior_latents), (
            "priors without pooled vectors or frames"
        )
        assert len(self.frames) == pictures, f"{pictures} pictures, frames of {len(self.frames)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (C, h, w) of one picture's latents."""
        return tuple(self.mean.shape[1:])

    def told(self, own: Tensor, priors: Tensor, is_blank: Tensor) -> Told:
        """What the UNet is told of those prior pictures, then of those own pictures; the empty caption where is_blank."""
        captions = self.caption_of[own]
        hidden = torch.cat([self.prior_hidden[priors], self.captions[captions]])
        pooled = torch.cat([self.prior_pooled[priors], self.captions_pooled[captions]])
        blank = is_blank.to(hidden.device)[:, None]
        return Told(
            hidden=torch.where(blank[:, None], self.empty, hidden),
            pooled=torch.where(blank, self.empty_pooled, pooled),
            frames=torch.cat([self.prior_frames[priors], self.frames[own]]),
        )

    def to(self, device: torch.device, dtype: torch.dtype) -> PreparedDataset:
        """The same on a device, numbers in dtype."""
        moved = {field.name: getattr(self, field.name).to(device) for field in fields(self)}
        return PreparedDataset(
            **{name: value.to(dtype) if value.is_floating_point() else value for name, value in moved.items()}
        )
