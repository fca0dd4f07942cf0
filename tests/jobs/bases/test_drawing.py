"""The drawn world: the same picture gives the same pixels, and the held-out looks stay held out."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from jobs.bases import drawing
from jobs.bases.drawn import words
from jobs.bases.drawn.canvas import Pose
from jobs.bases.drawn.patterns import Look

RED = Look("plain", (words.COLOURS["red"],))


def picture(product: str = "mug", place: str = "studio", light: str = "noon", look: Look = RED) -> drawing.Picture:
    return drawing.Picture(product, look, "red", place, light, Pose())


def pixels(one: drawing.Picture) -> bytes:
    return drawing.draw(one).tobytes()


def test_the_same_picture_gives_the_same_pixels() -> None:
    first, again = (drawing.random_picture(np.random.default_rng(3)) for _ in range(2))
    assert first.caption() == again.caption()
    assert pixels(first) == pixels(again)


def test_pictures_are_64_pixels_square_in_colour() -> None:
    drawn = drawing.draw(picture())
    assert (drawn.size, drawn.mode) == ((64, 64), "RGB")


def test_every_product_place_and_light_looks_different() -> None:
    all_of_them = [picture(product=p) for p in words.PRODUCTS]
    all_of_them += [picture(place=place, light=light) for place in words.PLACES for light in words.LIGHTS]
    digests = {hashlib.sha256(pixels(one)).hexdigest() for one in all_of_them}
    assert len(digests) == len(all_of_them) - 1  # the mug in a studio at noon stands in both lists


def test_the_mask_covers_the_product_and_nothing_else() -> None:
    red, blue = (Look("plain", (words.COLOURS[name],)) for name in ("red", "blue"))
    mask = np.asarray(drawing.product_mask(picture(product="bag", look=red)), float) / 255
    both = [np.asarray(drawing.draw(picture(product="bag", look=look)), float) for look in (red, blue)]
    differs = np.abs(both[0] - both[1]).max(2) > 70  # where the look shows; the rim is darker than that
    assert mask[differs].min() > 0
    assert differs[mask == 1].all()


def test_a_caption_says_look_product_print_place_and_light() -> None:
    dotted = dataclasses.replace(picture(place="beach", light="night"), print_words=" with pink dots")
    assert dotted.caption() == "a photo of a red mug with pink dots on the beach, at night"


def test_captions_use_only_words_that_are_one_token() -> None:
    rng = np.random.default_rng(0)
    captions = [drawing.random_picture(rng).caption() for _ in range(200)]
    assert set(" ".join(captions).replace(",", "").split()) <= set(words.VOCABULARY)


def test_reserved_words_name_pictures_of_any_look() -> None:
    rng = np.random.default_rng(1)
    names = [drawing.random_picture(rng).name for _ in range(400)]
    assert set(names) == set(words.COLOURS) | set(words.RESERVED_WORDS)


def test_no_training_picture_shows_a_held_out_pattern() -> None:
    rng = np.random.default_rng(2)
    drawn = [drawing.random_picture(rng) for _ in range(300)] + [drawing.random_wild_picture(rng) for _ in range(300)]
    patterns = {one.look.pattern for one in drawn}
    assert patterns == set(words.WILD_PATTERNS)
    assert not patterns & set(words.HELD_OUT_PATTERNS)


def test_a_mirrored_pose_mirrors_the_product() -> None:
    left, right = Pose(dy=0.0), Pose(mirrored=True, dy=0.0)
    sock = [drawing.Picture("sock", RED, "red", "studio", "noon", pose) for pose in (left, right)]
    masks = [np.asarray(drawing.product_mask(one)) for one in sock]
    difference = np.abs(masks[0].astype(int) - masks[1][:, ::-1].astype(int))
    assert difference.mean() < 3  # of 255: only the rounding of edges
