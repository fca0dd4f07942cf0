"""How images are denoised, as a person writes it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jobs.manifests.part import Number, Part, Whole
from jobs.shots import Sampling


class SamplerName(StrEnum):
    """The samplers that the farm knows."""

    DDIM = "ddim"
    EULER = "euler"


class Sampler(Part):
    """How images are denoised."""

    name: SamplerName = Field(default=SamplerName.DDIM, description="The sampler's name.")
    steps: Whole = Field(default=20, ge=1, le=150, description="Denoising steps for each image.")
    guidance: Number = Field(
        default=5.0, ge=0, le=30, description="How strongly the prompt pulls; 1 is no guidance, high is harsh."
    )

    @property
    def sampling(self) -> Sampling:
        """The same as a shot's recipe holds it."""
        return Sampling(name=self.name.value, steps=self.steps, guidance=self.guidance)
