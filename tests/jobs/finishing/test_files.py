"""Eight-bit pixels by one rounding rule, and PNG files that keep pixels and text and never vary."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jobs import errors
from jobs.finishing.encode import to_bytes_rgb
from jobs.finishing.png import encode_png, read_text

PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)

png_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def test_every_level_survives_the_way_through_floats() -> None:
    levels = torch.arange(256, dtype=torch.float32).expand(3, 2, 256)
    assert np.array_equal(to_bytes_rgb(levels / 255), levels.permute(1, 2, 0).numpy())


def test_values_go_to_the_nearest_level_halves_upwards_and_never_wrap() -> None:
    values = torch.tensor([-0.5, 0.4999 / 255, 0.5 / 255, 2.5 / 255, 254.4 / 255, 1.7], dtype=torch.float64)
    assert to_bytes_rgb(values.expand(3, 1, 6))[0, :, 0].tolist() == [0, 0, 1, 3, 254, 255]


def test_channels_come_last_in_the_order_red_green_blue() -> None:
    image = torch.tensor([1.0, 0.5, 0.0]).reshape(3, 1, 1).expand(3, 2, 4)
    assert to_bytes_rgb(image).shape == (2, 4, 3)
    assert to_bytes_rgb(image)[0, 0].tolist() == [255, 128, 0]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_an_error_not_a_black_pixel(value: float) -> None:
    image = torch.zeros(3, 2, 2)
    image[1, 0, 1] = value
    with pytest.raises(errors.RecipeInvalid, match="not numbers"):
        to_bytes_rgb(image)


@settings(max_examples=60, deadline=None)
@given(parameters=png_text, recipe=png_text)
def test_a_png_keeps_its_pixels_and_any_unicode_text(parameters: str, recipe: str) -> None:
    text = {"parameters": parameters, "brandfarm": recipe}
    png = encode_png(PIXELS, text)
    assert read_text(png) == text
    assert np.array_equal(pixels_of(png), PIXELS)


def test_the_same_pixels_and_text_are_the_same_bytes_in_any_order_of_text() -> None:
    one = encode_png(PIXELS, {"parameters": "a sock", "brandfarm": '{"prompt":"naïve 靴下"}'})
    assert one == encode_png(PIXELS.copy(), {"brandfarm": '{"prompt":"naïve 靴下"}', "parameters": "a sock"})


def test_plain_text_goes_where_every_tool_reads_and_the_rest_is_marked_utf8() -> None:
    png = encode_png(PIXELS, {"parameters": "a sock", "brandfarm": "靴下"})
    assert b"tEXtparameters\0a sock" in png
    assert b"iTXtbrandfarm\0" in png
    assert "靴下".encode() in png


def test_a_nul_in_a_text_is_refused() -> None:
    with pytest.raises(errors.RecipeInvalid, match="NUL"):
        encode_png(PIXELS, {"parameters": "a\0b"})


@pytest.mark.parametrize("length", [0, 5, 40, 100])
def test_a_damaged_png_is_called_corrupt(length: int) -> None:
    png = encode_png(PIXELS, {"parameters": "a sock on a hill, " * 5})
    with pytest.raises(errors.Corrupt, match="not a whole PNG"):
        read_text(png[:length])
