"""PNG files with text inside, the same bytes for the same pixels and text. Knows nothing of what the text means.

`parameters` is where other tools look for a prompt; `brandfarm` holds a recipe as JSON. Equal bytes are promised for
one build of zlib and ISA-L; the pixels are the same with any.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from jobs import errors
from jobs.finishing import deflate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR = (8, 2, 0, 0, 0)  # eight bits, RGB, deflate, the five filters, no interlace


def encode_png(rgb: npt.NDArray[np.uint8], text: Mapping[str, str]) -> bytes:
    """A PNG of [H, W, 3] uint8 pixels with one text chunk for each keyword, in the order of the keywords.

    ASCII goes into tEXt, which every tool reads; anything else into iTXt, which is UTF-8 by definition.
    Raises RecipeInvalid where a text holds the character NUL, which PNG forbids.
    """
    height, width, channels = rgb.shape
    assert channels == 3, f"pixels of {channels} channels"
    header = _chunk(b"IHDR", struct.pack(">II5B", width, height, *TRUE_COLOUR))
    pixels = _chunk(b"IDAT", deflate.body(rgb))
    return b"".join([SIGNATURE, header, *_texts(text), pixels, _chunk(b"IEND", b"")])


def read_text(png: bytes) -> dict[str, str]:
    """The texts of a PNG by keyword. Raises Corrupt where the bytes are no readable PNG."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)
            return {keyword: str(value) for keyword, value in image.text.items()}
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise errors.Corrupt(
            f"cannot read the text of a PNG: {len(png)} bytes that are not a whole PNG",
            hint="fetch the picture again; some tools drop or damage what a PNG holds beside its pixels",
        ) from error


def _texts(text: Mapping[str, str]) -> Iterator[bytes]:
    for keyword, value in sorted(text.items()):
        if "\0" in value:
            raise errors.RecipeInvalid(
                f"cannot write the text {keyword!r} into a PNG: it holds the character NUL",
                hint="remove it from the prompt",
            )
        name = keyword.encode("latin-1") + b"\0"
        if value.isascii():
            yield _chunk(b"tEXt", name + value.encode("ascii"))
        else:
            yield _chunk(b"iTXt", name + b"\0\0\0\0" + value.encode())  # not compressed, no language, no translation


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
