"""What a person should know of a folder of pictures before anything is trained on it. Pure: facts in, notices out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

FEWEST_ADVISED = 15
DARKEST, BRIGHTEST = 16.0, 247.0  # mean brightness, of 255
EMPTY = 4.0  # deviation of the brightness, of 255: nothing is to be seen
BLURRED = 14.0  # the sharpest edges of a photograph that is in focus come to 60 and more
BLURRED_SHARE = 0.25  # of the middle one's sharpness
ALIKE_BITS = 12  # of 256: encoded anew, nine pictures of ten came to 12 or less; other pictures of a set to 17 and more
ALIKE_GROUND = 12.0  # of 255, each colour of the rim
SAME_GROUND_SHARE = 0.5
LONGEST_ASPECT = 1.5  # of long side to short: a square loses a third


class Facts(Protocol):
    """One picture's facts, as `measuring.Measure` has them."""

    @property
    def name(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def short_side(self) -> int: ...
    @property
    def pixels(self) -> str: ...
    @property
    def brightness(self) -> float: ...
    @property
    def spread(self) -> float: ...
    @property
    def sharpness(self) -> float: ...
    @property
    def likeness(self) -> int: ...
    @property
    def ground(self) -> tuple[float, ...]: ...


@dataclass(frozen=True)
class Notice:
    """One thing to know: a word for scripts, a sentence for people, and the pictures or files that it is about."""

    about: str
    sentence: str
    files: tuple[str, ...] = ()


def notices(measures: Sequence[Facts], resolution: int, fewest: int) -> Iterator[Notice]:
    """What the pictures themselves show. resolution: pixels of the trained square; fewest: pictures that an intake asks for."""
    yield from _count(len(measures), fewest)
    small = [one for one in measures if one.short_side < resolution]
    if small:
        yield _of("small", small, f"smaller than {resolution} pixels, so that training would blow them up")
    dark = [one for one in measures if one.brightness < DARKEST]
    if dark:
        yield _of("dark", dark, "nearly black")
    bright = [one for one in measures if one.brightness > BRIGHTEST]
    if bright:
        yield _of("bright", bright, "nearly white")
    empty = [one for one in measures if one.spread < EMPTY and one not in dark and one not in bright]
    if empty:
        yield _of("empty", empty, "of one colour, with nothing to be seen")
    blurred = _blurred([one for one in measures if one not in dark and one not in bright and one not in empty])
    if blurred:
        yield _of("blurred", blurred, "blurred: a brand learns its pictures' focus too")
    yield from _shapes(measures)
    for same in _alike(measures):
        first, *others = same
        yield Notice(
            "alike", f"{first} and {_listed(others)} are the same picture, or nearly: one is enough", tuple(same)
        )
    yield from _same_ground(measures)


def _count(count: int, fewest: int) -> Iterator[Notice]:
    if count < fewest:
        yield Notice(
            "few", f"{count} pictures can be read, and an intake asks for at least {fewest}: add {fewest - count}"
        )
    elif count < FEWEST_ADVISED:
        yield Notice("few", f"{count} pictures are few: {FEWEST_ADVISED} to 100 serve best")


def _of(about: str, measures: Sequence[Facts], what: str) -> Notice:
    return Notice(about, f"{_counted(len(measures))} {what}", tuple(one.name for one in measures))


def _counted(count: int) -> str:
    return "1 picture is" if count == 1 else f"{count} pictures are"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} others"


def _blurred(measures: Sequence[Facts]) -> list[Facts]:
    if not measures:
        return []
    middle = sorted(one.sharpness for one in measures)[len(measures) // 2]
    return [one for one in measures if one.sharpness < max(BLURRED, BLURRED_SHARE * middle)]


def _shapes(measures: Sequence[Facts]) -> Iterator[Notice]:
    long = [one for one in measures if max(one.width, one.height) > LONGEST_ASPECT * one.short_side]
    if long:
        most = max(1 - one.short_side / max(one.width, one.height) for one in long)
        yield _of("long", long, f"far from square: training cuts a square from the middle and loses up to {most:.0%}")


def _alike(measures: Sequence[Facts]) -> list[list[str]]:
    """Names of pictures that are the same, each in one group only."""
    group: dict[str, list[str]] = {one.name: [one.name] for one in measures}
    for one, other in combinations(measures, 2):
        if group[one.name] is not group[other.name] and _are_alike(one, other):
            group[one.name] += group[other.name]
            for name in group[other.name]:
                group[name] = group[one.name]
    once = {id(names): names for names in group.values()}
    return [sorted(names) for names in once.values() if len(names) > 1]


def _are_alike(one: Facts, other: Facts) -> bool:
    if one.pixels == other.pixels:
        return True
    return (one.likeness ^ other.likeness).bit_count() <= ALIKE_BITS and _apart(one, other) <= ALIKE_GROUND


def _same_ground(measures: Sequence[Facts]) -> Iterator[Notice]:
    """One notice where most pictures have the same ground, which the brand would learn as its own."""
    around = ([other for other in measures if _apart(one, other) <= ALIKE_GROUND] for one in measures)
    most = max(around, key=len, default=[])
    if len(most) > max(2, SAME_GROUND_SHARE * len(measures)):
        names = tuple(one.name for one in most)
        sentence = (
            f"{len(most)} of {len(measures)} pictures have the same background, which the brand would learn as its own"
        )
        yield Notice("same-background", sentence, names)


def _apart(one: Facts, other: Facts) -> float:
    """How far the rims' colours are apart, as a mean per channel, of 255."""
    squares = sum((first - second) ** 2 for first, second in zip(one.ground, other.ground, strict=True))
    return math.sqrt(squares / len(one.ground))


def caption_notices(
    bare: Sequence[str],
    unusable: Sequence[tuple[str, str]],
    texts: Mapping[str, str],
    lacking: Sequence[str],
    trigger: str,
) -> Iterator[Notice]:
    """What the captions show: which lack, which cannot be used, which do not say the trigger, which say all the same."""
    if bare:
        yield Notice("uncaptioned", f"{_counted(len(bare))} without a caption", tuple(bare))
    for name, reason in unusable:
        yield Notice("caption-unusable", f"{name} cannot be taken: {reason}", (name,))
    if lacking:
        count = "1 caption does" if len(lacking) == 1 else f"{len(lacking)} captions do"
        yield Notice(
            "untriggered", f"{count} not say {trigger}, so that an intake would refuse the folder", tuple(lacking)
        )
    if len(texts) > 2 and len(set(texts.values())) == 1:
        sentence = (
            "all captions are the same: say what differs (place, light, angle), and leave out what is the product's own"
        )
        yield Notice("same-caption", sentence, tuple(texts))
