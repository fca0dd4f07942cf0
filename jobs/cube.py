"""Reads 3D LUTs in Adobe/Iridas `.cube` files: text in, numbers out. Light: knows no tensors, pictures or store.

Source of the format: Adobe, Cube LUT Specification 1.0 (2013). Red runs fastest, then green, then blue.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from jobs.errors import RecipeInvalid

SMALLEST, LARGEST = 2, 129
"""Points a side. The specification allows 256, which is 16.8 million colours; editors write 17, 33 or 65."""
LARGEST_BYTES = 128 * 2**20

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Cube:
    """A table of size**3 colours, three numbers each, red fastest; the domain is the colours of its first and last corner."""

    size: int
    low: Colour
    high: Colour
    values: array[float]


def parse(data: bytes, name: str) -> Cube:
    """The table of a `.cube` file. Raises RecipeInvalid with the file's name, the line and what was found."""
    size, low, high = 0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    values = array("d")
    for number, line in enumerate(_text(data, name).splitlines(), start=1):
        words = line.split()
        match words[:1]:
            case [] | ["TITLE"]:
                continue
            case [word] if word.startswith("#"):
                continue
            case ["LUT_3D_SIZE"]:
                size = _size(words, name, number)
            case ["DOMAIN_MIN"]:
                low = _colour(words[1:], name, number)
            case ["DOMAIN_MAX"]:
                high = _colour(words[1:], name, number)
            case ["LUT_1D_SIZE"]:
                raise _unfit(name, number, "a 1D table", "Export the look as a 3D LUT.")
            case _:
                values.extend(_colour(words, name, number))
    _require_whole(name, size, values, low, high)
    return Cube(size, low, high, values)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _unfit(name, 1, "no text") from wrong


def _size(words: list[str], name: str, number: int) -> int:
    if len(words) != 2 or not words[1].isdigit() or not SMALLEST <= int(words[1]) <= LARGEST:
        raise _unfit(name, number, f"{' '.join(words)!r}, not LUT_3D_SIZE with {SMALLEST} to {LARGEST}")
    return int(words[1])


def _colour(words: list[str], name: str, number: int) -> Colour:
    try:
        red, green, blue = (float(word) for word in words)
    except ValueError as wrong:
        raise _unfit(name, number, f"{' '.join(words)[:60]!r}, not three numbers") from wrong
    if not all(abs(value) < 1e6 for value in (red, green, blue)):
        raise _unfit(name, number, f"{' '.join(words)[:60]!r}, which is no colour")
    return red, green, blue


def _require_whole(name: str, size: int, values: array[float], low: Colour, high: Colour) -> None:
    if not size:
        raise _unfit(name, 1, "no LUT_3D_SIZE")
    if len(values) != 3 * size**3:
        raise _unfit(name, 1, f"{len(values) // 3} colours where LUT_3D_SIZE {size} means {size**3}")
    if not all(first < last for first, last in zip(low, high, strict=True)):
        raise _unfit(name, 1, f"a domain from {low} to {high}")


def _unfit(name: str, number: int, found: str, hint: str = "") -> RecipeInvalid:
    return RecipeInvalid(
        f"{name}, line {number}: {found}.",
        hint=hint or "Export it again as a 3D LUT in .cube format, with 17, 33 or 65 points a side.",
    )
