"""Decodes one untrusted picture at a time in a process of its own. Reads frames from stdin, answers on stdout.

A frame is 8 bytes of length, then the file. The answer is a line of JSON, then the PNG and the pixels' digest it announces.
Imports Pillow and nothing of the farm but identity's rule for pixels.
"""

from __future__ import annotations

import hashlib
import io
import json
import resource
import struct
import sys
import warnings
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")


class Refused(Exception):
    """The file is not a picture that we take; the message is for a person."""


def decode(data: bytes, max_pixels: int) -> tuple[Image.Image, dict[str, Any]]:
    """The picture upright, in sRGB, without metadata, on white where it was transparent. Raises Refused."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            _require_bounded(opened, max_pixels)
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            picture = _flattened(_in_srgb(upright))
    except UnidentifiedImageError as unknown:
        raise Refused(f"not a picture; {', '.join(FORMATS)} are taken") from unknown
    except (OSError, SyntaxError, ValueError, EOFError, ImageCms.PyCMSError) as broken:
        raise Refused(f"broken or cut short ({broken})") from broken
    pixels = picture.tobytes()
    size = f"RGB {picture.width}x{picture.height}\n".encode()
    facts = {"width": picture.width, "height": picture.height, "pixels": hashlib.sha256(size + pixels).hexdigest()}
    return picture, facts


def _require_bounded(opened: Image.Image, max_pixels: int) -> None:
    if opened.width * opened.height > max_pixels:
        raise Refused(f"{opened.width} x {opened.height} pixels; at most {max_pixels:,} pixels are taken")
    if getattr(opened, "n_frames", 1) > 1:
        raise Refused("it has several frames; give one picture a file")


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Converted through its colour profile, where it has one; what has none is taken for sRGB."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "L", "CMYK"):
        return picture
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    assert converted is not None
    return converted


def _flattened(picture: Image.Image) -> Image.Image:
    """RGB, on white where it was transparent; a new image, so that no metadata comes along."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    clean = Image.new("RGB", picture.size)
    clean.paste(picture.convert("RGB"))
    return clean


def serve(source: BinaryIO, sink: BinaryIO, max_pixels: int) -> None:
    """Answer frames until the parent closes its end."""
    while len(head := source.read(8)) == 8:
        data = source.read(struct.unpack(">Q", head)[0])
        try:
            picture, facts = decode(data, max_pixels)
            out = io.BytesIO()
            picture.save(out, "PNG")
            answer, png = facts, out.getvalue()
        except Refused as refused:
            answer, png = {"refused": str(refused)}, b""
        except MemoryError:
            answer, png = {"refused": "it needs more memory than a picture may"}, b""
        sink.write(json.dumps({**answer, "bytes": len(png)}).encode() + b"\n" + png)
        sink.flush()


def _limit(what: int, amount: int) -> None:
    hard = resource.getrlimit(what)[1]
    ceiling = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(what, (ceiling, hard))


def main() -> None:
    """`python -m jobs.datasets.decode_child MAX_PIXELS MEMORY_BYTES`."""
    max_pixels, memory = int(sys.argv[1]), int(sys.argv[2])
    warnings.simplefilter("ignore")  # Pillow warns of bombs below our own limit; the limit decides
    Image.MAX_IMAGE_PIXELS = None
    if sys.platform == "linux":  # elsewhere the address space cannot be limited; time and pixels still are
        _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)
    serve(sys.stdin.buffer, sys.stdout.buffer, max_pixels)


if __name__ == "__main__":
    main()
