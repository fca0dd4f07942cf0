"""What a PNG costs at 1024 x 1024: ours against Pillow's default, in CPU seconds and bytes. `python -m tests.bench.png`.

Pictures of five kinds, from the brand's own finish (photograph with grain) to what no photograph is (a smooth ramp).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from jobs import finishing
from jobs.finish_steps import Colour, FinishStep, Grain
from jobs.finishing.encode import to_bytes_rgb
from jobs.finishing.png import encode_png

SIDE, REPEATS = 1024, 5
FILM = (FinishStep(colour=Colour(contrast=-20, saturation=-10)), FinishStep(grain=Grain()))

Rgb = npt.NDArray[np.uint8]


def scene() -> torch.Tensor:
    """A still life [3, SIDE, SIDE] in [0, 1]: a lit wall, a table, a round product with a pattern, soft shadows."""
    y, x = torch.meshgrid(torch.linspace(0, 1, SIDE), torch.linspace(0, 1, SIDE), indexing="ij")
    wall = torch.stack([0.75 - 0.2 * x, 0.7 - 0.15 * x - 0.1 * y, 0.62 + 0.1 * y])
    table = torch.stack([0.45 + 0.05 * torch.sin(60 * y), 0.32 + 0.04 * torch.sin(60 * y), 0.2 + 0 * y])
    picture = torch.where(y > 0.66, table, wall)
    away = ((x - 0.5) ** 2 + (y - 0.55) ** 2).sqrt()
    product = torch.stack([0.6 + 0.2 * torch.sign(torch.sin(40 * (x + y))), 0.3 + 0.2 * x, 0.25 + 0.1 * y])
    return torch.where(away < 0.25, product * (1.1 - away * 2), picture).clamp(0, 1)


def pictures() -> dict[str, Rgb]:
    """Pictures by what they are."""
    plain = scene()
    sensor = plain + 0.004 * torch.randn(plain.shape, generator=torch.Generator().manual_seed(0))
    studio = plain.clone()
    away = torch.linspace(-1, 1, SIDE)
    studio[:, (away[:, None] ** 2 + away[None, :] ** 2) > 0.3] = 1.0
    made = {
        "finished: colour and film grain": finishing.apply(sensor.clamp(0, 1)[None], [FILM], [7])[0],
        "photograph: sensor noise only": sensor,
        "product on pure white, no noise": studio,
        "drawing: no noise at all": plain,
    }
    return {name: to_bytes_rgb(picture.clamp(0, 1)) for name, picture in made.items()}


def measured(encode: Callable[[], bytes]) -> tuple[float, int]:
    """The least CPU milliseconds of some repeats, and the size in bytes."""
    least = float("inf")
    for _ in range(REPEATS):
        began = time.thread_time()
        file = encode()
        least = min(least, time.thread_time() - began)
    return least * 1000, len(file)


def pillow(rgb: Rgb) -> bytes:
    """The file that Pillow writes by default."""
    written = io.BytesIO()
    Image.fromarray(rgb).save(written, "PNG")
    return written.getvalue()


def main() -> None:
    """Print one row a picture."""
    print(f"{SIDE} x {SIDE} pixels, one thread, least CPU milliseconds of {REPEATS}.\n")
    print("| picture | Pillow's default | ours | faster | size against Pillow's |")
    print("|---|---|---|---|---|")
    for name, rgb in pictures().items():
        theirs, their_size = measured(lambda rgb=rgb: pillow(rgb))
        ours, our_size = measured(lambda rgb=rgb: encode_png(rgb, {}))
        print(f"| {name} | {theirs:.0f} ms | {ours:.1f} ms | {theirs / ours:.1f} x | {our_size / their_size:.3f} |")


if __name__ == "__main__":
    main()
