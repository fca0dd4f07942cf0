"""What is measured on real pictures tells sharp from blurred, near copies from others, and a product from its ground."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from PIL import Image, ImageFilter

from jobs.datasets import measuring, noticing, palette
from jobs.datasets.measuring import Measure

SHOTS = Path(__file__).resolve().parents[3] / "examples" / "stable-socks" / "shots"


@cache
def socks() -> tuple[Measure, ...]:
    return tuple(measured(path.name, Image.open(path)) for path in sorted(SHOTS.glob("*.png")))


def measured(name: str, picture: Image.Image) -> Measure:
    data = io.BytesIO()
    picture.convert("RGB").save(data, "PNG")
    return measuring.measure(name, data.getvalue(), name, 64)


def test_the_palette_is_the_products_and_not_the_grounds() -> None:
    found = palette.palette([one.middle for one in socks()], [one.rim for one in socks()], measuring.colour_of)
    assert 3 <= len(found) <= 5
    for wool in ("#5B3A29", "#C9A27E", "#E8DCCB"):
        assert any(near(wool, colour) for colour in found), (wool, found)


def near(one: str, other: str) -> bool:
    return all(abs(int(one[at : at + 2], 16) - int(other[at : at + 2], 16)) <= 20 for at in (1, 3, 5))


def test_a_set_with_a_copy_a_blur_and_a_black_one_is_seen_through() -> None:
    first = Image.open(SHOTS / "05.png").convert("RGB")
    data = io.BytesIO()
    first.resize((256, 256)).save(data, "JPEG", quality=70)
    copy = measured("copy", Image.open(data))
    blurred = measured("blurred", first.filter(ImageFilter.GaussianBlur(1.5)))
    black = measured("black", Image.new("RGB", (64, 64), (3, 3, 3)))
    told = {one.about: one.files for one in noticing.notices([*socks(), copy, blurred, black], 64, 8)}
    assert told["blurred"] == ("blurred",)
    assert told["dark"] == ("black",)
    assert "copy" in told["alike"]


def test_the_examples_own_pictures_are_sound() -> None:
    assert list(noticing.notices(socks(), 64, 8)) == []


def test_a_pictures_size_is_its_own() -> None:
    one = measured("wide", Image.new("RGB", (300, 200), "tan"))
    assert (one.width, one.height, one.short_side) == (300, 200, 200)
    assert one.spread < 1
