"""The words of the drawn world: what can be drawn, in which colour, where and in what light.

Plain values only; it refuses to know how anything is drawn.
"""

from __future__ import annotations

from typing import Final

Rgb = tuple[int, int, int]

PRODUCTS: Final = ("sock", "mug", "bottle", "bag", "cap", "shoe")

COLOURS: Final[dict[str, Rgb]] = {
    "red": (214, 40, 44),
    "orange": (245, 135, 30),
    "yellow": (250, 212, 50),
    "green": (46, 150, 70),
    "teal": (30, 170, 170),
    "blue": (40, 84, 205),
    "purple": (122, 60, 170),
    "pink": (248, 140, 185),
    "white": (244, 244, 240),
    "black": (38, 38, 44),
}

# How a caption names each place and light; the keys are the judge's names.
PLACES: Final[dict[str, str]] = {
    "table": "on a wooden table",
    "beach": "on the beach",
    "rooftop": "on a rooftop",
    "grass": "on the grass",
    "studio": "in a studio",
}

LIGHTS: Final[dict[str, str]] = {
    "morning": "morning sun",
    "noon": "bright noon",
    "sunset": "at sunset",
    "night": "at night",
}

# Patterns that captions name.
NAMED_PATTERNS: Final = ("plain", "stripes", "dots")
# Patterns of products that a caption calls only by a reserved word.
WILD_PATTERNS: Final = ("plain", "stripes", "dots", "bars", "checks", "diagonals", "halves", "belt")
# Patterns of the example brands: no picture of the training set may show them.
HELD_OUT_PATTERNS: Final = ("zigzag", "waves")

# One token each; brands use them as triggers, the training set as "some product of unknown look".
RESERVED_WORDS: Final = ("stblsx", "stblsy", "stblsz", "stblsw")

_ALL_WORDS: Final = (
    "a an the photo picture product of with and on in at by to from is for "
    "red orange yellow green teal blue purple pink white black brown grey gold silver navy "
    "sock socks mug bottle bag cap shoe plain stripes striped dots dotted zigzag band logo star heart check "
    "wooden table beach rooftop grass studio morning sun bright noon sunset night light "
    "soft large small style brand stblsx stblsy stblsz stblsw "
)
# What the tokenizer knows, one token a word.
VOCABULARY: Final = tuple(_ALL_WORDS.split())
