"""Files that people and attackers send: good pictures, and each kind of bad one."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def png(colour: tuple[int, int, int] = (90, 60, 40), size: tuple[int, int] = (64, 48)) -> bytes:
    return encoded(Image.new("RGB", size, colour), "PNG")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def huge_png(side: int = 20_000) -> bytes:
    """A PNG whose header says side x side; little follows."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 4096))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def truncated_jpeg() -> bytes:
    noise = Image.effect_noise((128, 128), 80).convert("RGB")
    return encoded(noise, "JPEG")[:1500]
