"""Untrusted files are decoded in a child process, within limits, to upright sRGB without metadata."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from jobs.datasets.decode import Decoded, Decoder, Limits, Refusal
from tests.jobs.datasets import pictures


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as one:
        yield one


def opened(decoded: Decoded | Refusal) -> Image.Image:
    assert isinstance(decoded, Decoded), decoded
    return Image.open(io.BytesIO(decoded.png))


def test_a_picture_comes_back_with_the_same_pixels(decoder):
    picture = opened(decoder.decode(pictures.png((10, 20, 30))))
    assert (picture.mode, picture.size, picture.getpixel((5, 5))) == ("RGB", (64, 48), (10, 20, 30))


def test_identity_is_of_pixels_not_of_encoding(decoder):
    image = Image.new("RGB", (16, 16), (1, 2, 3))
    one = decoder.decode(pictures.encoded(image, "PNG", compress_level=1))
    other = decoder.decode(pictures.encoded(image, "BMP"))
    assert one.pixels == other.pixels


def test_the_same_bytes_in_another_shape_are_another_picture(decoder):
    one = decoder.decode(pictures.png(size=(8, 32)))
    other = decoder.decode(pictures.png(size=(32, 8)))
    assert one.pixels != other.pixels


def test_exif_orientation_is_applied_and_metadata_is_gone(decoder):
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "secret place"
    data = pictures.encoded(image, "JPEG", exif=exif, comment=b"secret words")
    decoded = decoder.decode(data)
    assert opened(decoded).size == (20, 40)
    assert b"secret" not in decoded.png
    assert not dict(opened(decoded).getexif())


def test_transparency_is_laid_on_white(decoder):
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert opened(decoder.decode(pictures.encoded(clear, "PNG"))).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pictures.huge_png(), "20000 x 20000 pixels"),
        (pictures.truncated_jpeg(), "broken or cut short"),
        (b"hello, I am a text file\n" * 40, "not a picture"),
        (b"", "empty"),
        (pictures.png()[:40], "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    ],
    ids=["huge", "truncated", "text", "empty", "header only", "svg"],
)
def test_a_bad_file_is_refused_with_its_reason_and_the_next_one_is_taken(decoder, data, reason):
    refused = decoder.decode(data)
    assert isinstance(refused, Refusal)
    assert reason in refused.reason
    assert isinstance(decoder.decode(pictures.png()), Decoded)


def test_a_file_over_the_byte_limit_is_refused_unread():
    with Decoder(Limits(file_bytes=100)) as small:
        assert "at most 100" in small.decode(b"x" * 101).reason


def test_a_child_that_is_too_slow_is_ended_and_replaced():
    with Decoder(Limits(seconds=0.0)) as hasty:
        assert "more than 0 seconds" in hasty.decode(pictures.png()).reason
        assert hasty._child is None


def test_a_picture_that_needs_more_memory_than_allowed_is_refused():
    big = pictures.encoded(Image.new("RGB", (7000, 7000)), "PNG")
    with Decoder(Limits(memory_bytes=200 * 2**20)) as poor:
        assert isinstance(poor.decode(big), Refusal)
        assert isinstance(poor.decode(pictures.png()), Decoded)
