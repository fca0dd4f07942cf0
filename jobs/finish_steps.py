"""The finish as a person writes it: colour, table and grain steps, in order. Light: no tensors here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, Strict, model_serializer

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


LUT_ADDRESS = "lut://"


class Lut(Step):
    """A colour look-up table: a `.cube` file, and how much of it is applied."""

    source: Annotated[
        str,
        Field(
            pattern=r"^(lut://[0-9a-f]{64}|(\./|\.\./|~/|/).*\.(cube|CUBE))$",
            max_length=1024,
            description="A 3D LUT: a .cube file such as ./film.cube, which the CLI uploads and rewrites to lut://<digest>.",
        ),
    ]
    strength: Annotated[Number, Field(ge=0, le=1, description="1 is the whole look, 0 leaves as is.")] = 1.0

    @property
    def digest(self) -> str | None:
        """The digest of the file in the store; None while the source is a file of somebody's machine."""
        return self.source.removeprefix(LUT_ADDRESS) if self.source.startswith(LUT_ADDRESS) else None


class FinishStep(Step):
    """One step of the finish: exactly one of colour, lut or grain."""

    colour: Colour | None = None
    grain: Grain | None = None
    lut: Lut | None = None

    def model_post_init(self, _context: object) -> None:
        if sum(step is not None for step in (self.colour, self.grain, self.lut)) != 1:
            raise ValueError("exactly one of colour, lut, grain")

    @model_serializer(mode="wrap")
    def _without_absent_lut(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Recipes are named by their JSON: one without a table keeps the name that it had before there were tables."""
        written: dict[str, Any] = write(self)
        return written if self.lut is not None else {name: step for name, step in written.items() if name != "lut"}
