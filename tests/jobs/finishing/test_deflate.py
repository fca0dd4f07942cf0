"""Compressed pixels: whatever filter and coder are chosen, every reader gets the same pixels back."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jobs.finishing import deflate
from jobs.finishing.png import encode_png


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def noisy(height: int, width: int, deviation: float, seed: int = 0) -> np.ndarray:
    chance = np.random.default_rng(seed)
    ramp = np.linspace(20, 230, width)[None, :, None] + np.linspace(0, 10, height)[:, None, None]
    return (ramp + deviation * chance.standard_normal((height, width, 3))).clip(0, 255).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 20), st.sampled_from([0.0, 0.6, 8.0, 200.0]), st.integers(0, 99))
def test_pixels_come_back_whatever_their_size_and_noise(height: int, width: int, deviation: float, seed: int) -> None:
    pixels = noisy(height, width, deviation, seed)
    assert np.array_equal(pixels_of(encode_png(pixels, {})), pixels)


@pytest.mark.parametrize("kind", [deflate.SUB, deflate.UP, deflate.AVERAGE])
@pytest.mark.parametrize("squeeze", [deflate._quick, deflate._thorough])
def test_every_filter_with_every_coder_is_read_back(kind: int, squeeze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate, "_choice", lambda rows, above: (kind, squeeze))
    pixels = noisy(40, 33, 12.0)
    assert np.array_equal(pixels_of(encode_png(pixels, {})), pixels)


def test_a_machine_without_the_quick_coder_writes_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noisy(64, 64, 12.0)
    assert deflate.coder().startswith("isal-")
    monkeypatch.setattr(deflate, "HAS_ISAL", False)
    assert deflate.coder().startswith("zlib-")
    assert np.array_equal(pixels_of(encode_png(pixels, {})), pixels)


def test_pictures_with_grain_and_faint_noise_are_no_larger_than_pillows() -> None:
    for deviation in (0.6, 8.0):
        pixels = noisy(512, 512, deviation)
        pillows = io.BytesIO()
        Image.fromarray(pixels).save(pillows, "PNG")
        assert len(encode_png(pixels, {})) <= 1.05 * len(pillows.getvalue())
