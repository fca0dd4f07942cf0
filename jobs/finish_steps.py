"""The finish as a person writes it: colour and grain steps, in order. Light: no tensors here."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, Strict

Number = Annotated[float, Strict()]  # an API server takes no number in quotes either


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colour(Step):
    """A colour correction: contrast and saturation in percent of change, gamma as an exponent."""

    contrast: Annotated[
        Number, Field(ge=-100, le=100, description="Percent of change; -20 flattens, 0 leaves as is.")
    ] = 0.0
    saturation: Annotated[Number, Field(ge=-100, le=100, description="Percent of change; -100 is grey.")] = 0.0
    gamma: Annotated[Number, Field(gt=0.1, le=10, description="Exponent 1/gamma; above 1 brightens the middle.")] = 1.0


class Grain(Step):
    """Film grain: power is its strength, scale its size in pixels, saturation how coloured it is."""

    power: Annotated[Number, Field(ge=0, le=1, description="Strength; 0.20 looks like film.")] = 0.20
    scale: Annotated[Number, Field(ge=0.25, le=16, description="Size of a grain, in pixels.")] = 1.0
    saturation: Annotated[
        Number, Field(ge=0, le=1, description="0 is monochrome grain, 1 independent in each channel.")
    ] = 1.0
    shadows: Annotated[Number, Field(ge=0, le=1, description="Extra weight of the grain in the shadows.")] = 0.0
    highlights: Annotated[Number, Field(ge=0, le=1, description="Extra weight of the grain in the highlights.")] = 0.0


class FinishStep(Step):
    """One step of the finish: exactly one of colour or grain."""

    colour: Colour | None = None
    grain: Grain | None = None

    def model_post_init(self, _context: object) -> None:
        if (self.colour is None) == (self.grain is None):
            raise ValueError("exactly one of colour, grain")
