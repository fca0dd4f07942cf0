"""The texts inside a PNG, read without any picture library, so that a plain install can ask where an image comes from."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from jobs.errors import Corrupt

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(data: bytes) -> dict[str, str]:
    """The uncompressed tEXt and iTXt chunks before the pixels, by keyword. Raises Corrupt where the bytes are no whole PNG."""
    texts = {}
    for kind, body in _chunks(data):
        keyword, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            texts[keyword.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:1] == b"\0":
            _language, _translated, text = rest[2:].split(b"\0", 2)
            texts[keyword.decode("latin-1")] = text.decode()
    return texts


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(SIGNATURE):
        raise _no_png(data)
    place = len(SIGNATURE)
    while True:
        head, place = data[place : place + 8], place + 8
        if len(head) < 8:
            raise _no_png(data)
        length, kind = struct.unpack(">I4s", head)
        body, check = data[place : place + length], data[place + length : place + length + 4]
        if check != struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))):
            raise _no_png(data)
        if kind in (b"IDAT", b"IEND"):
            return
        yield kind, body
        place += length + 4


def _no_png(data: bytes) -> Corrupt:
    return Corrupt(
        f"{len(data):,} bytes that are no whole PNG.",
        hint="Take the file as the farm wrote it, for example from `brandfarm pull`.",
    )
