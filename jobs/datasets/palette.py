"""The colours of what all pictures show: those of their middles that come again and are not their ground's. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rgb = tuple[float, float, float]

MOST_COLOURS = 5
FEWEST_COLOURS = 3
LEAST_SHARE = 0.06  # of all that counts, for a colour beyond the fewest
SEEN_SHARE = 0.003  # of a picture's middle, below which a colour is not seen in it
APART = 75.0  # of 765: the distance at which two colours are two


@dataclass
class _Pile:
    """Colours that are near to the first and heaviest of them, and what they weigh together."""

    colour: Rgb
    weight: float
    sum: Rgb

    def take(self, colour: Rgb, weight: float) -> None:
        self.weight += weight
        self.sum = _plus(self.sum, colour, weight)

    @property
    def written(self) -> str:
        """The piled colours' mean, as `#5B3A29`."""
        return "#" + "".join(f"{round(channel / self.weight):02X}" for channel in self.sum)


def palette(
    middles: Sequence[Mapping[int, float]], rims: Sequence[Mapping[int, float]], colour_of: Callable[[int], Rgb]
) -> tuple[str, ...]:
    """At most five hex colours, heaviest first. middles, rims: each picture's shares by cell, which `colour_of` makes a colour."""
    piles: list[_Pile] = []
    for cell, weight in sorted(_weights(middles, rims).items(), key=lambda item: (-item[1], item[0])):
        colour = colour_of(cell)
        near = next((pile for pile in piles if _distance(pile.colour, colour) < APART), None)
        if near is not None:
            near.take(colour, weight)
        else:
            piles.append(_Pile(colour, weight, _plus((0.0, 0.0, 0.0), colour, weight)))
    piles.sort(key=lambda pile: -pile.weight)
    whole = sum(pile.weight for pile in piles)
    chosen = [
        pile
        for number, pile in enumerate(piles[:MOST_COLOURS])
        if number < FEWEST_COLOURS or pile.weight >= LEAST_SHARE * whole
    ]
    return tuple(dict.fromkeys(pile.written for pile in chosen))


def _weights(middles: Sequence[Mapping[int, float]], rims: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """A cell counts by how many pictures show it in the middle, and by how much more than at their rims."""
    found: dict[int, float] = {}
    for cell in {cell for middle in middles for cell in middle}:
        seen = sum(middle.get(cell, 0.0) >= SEEN_SHARE for middle in middles) / len(middles)
        more = sum(middle.get(cell, 0.0) - rim.get(cell, 0.0) for middle, rim in zip(middles, rims, strict=True)) / len(
            middles
        )
        if seen and more > 0:
            found[cell] = seen * seen * more
    return found


def _plus(total: Rgb, colour: Rgb, weight: float) -> Rgb:
    red, green, blue = (one + weight * other for one, other in zip(total, colour, strict=True))
    return (red, green, blue)


def _distance(one: Rgb, other: Rgb) -> float:
    """Redmean, which follows the eye well enough for telling brown from tan (www.compuphase.com/cmetric.htm)."""
    mean = (one[0] + other[0]) / 2
    red, green, blue = (first - second for first, second in zip(one, other, strict=True))
    return math.sqrt((2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2)
