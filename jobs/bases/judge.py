"""The judge: a small network that says what a 64 x 64 picture shows and how far its product is from a palette.

It was trained on drawn pictures only (train_judge.py). It refuses to know which model made a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from jobs.bases.drawn.words import PLACES, PRODUCTS

WEIGHTS: Final = Path(__file__).parent / "judge" / "judge.safetensors"
SIDE: Final = 64
SURE: Final = 0.8  # a pixel counts as the product's when the judge is this sure, so rims stay out
LIGHTNESS_WEIGHT: Final = 0.5  # CIE94's textile weighting: a scene's light moves lightness first
STRAY_SHARE: Final = 0.75  # the farthest quarter of a product are its inside, its handle and its shade
COVERAGE_SHARE: Final = 0.10  # a palette colour is there when a tenth of the product is near it
NO_PRODUCT: Final = 100.0  # the distance of a picture in which no product is found: as far as black from white

Floats = NDArray[np.float64]


class Network(nn.Module):
    """Pictures (n, 3, 64, 64) of -1..1 to product, place and mask logits: (n, 6), (n, 5), (n, 1, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = _halving(3, 24), _halving(24, 48)
        self.third, self.fourth = _halving(48, 64), _halving(64, 64)
        self.names = nn.Linear(64 * 4 * 4, len(PRODUCTS) + len(PLACES))
        self.back = nn.Sequential(nn.Conv2d(64 + 48, 32, 3, padding=1), nn.ReLU())
        self.out = nn.Sequential(nn.Conv2d(32 + 24, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = self.first(x)  # (n, 24, 32, 32)
        second = self.second(first)  # (n, 48, 16, 16)
        third = self.third(second)  # (n, 64, 8, 8)
        products, places = self.names(self.fourth(third).flatten(1)).split([len(PRODUCTS), len(PLACES)], 1)
        back = self.back(torch.cat([_doubled(third), second], 1))
        return products, places, self.out(torch.cat([_doubled(back), first], 1))


class Judge:
    """Names objects and places, finds the product's pixels and measures their colours."""

    def __init__(self, network: Network) -> None:
        self._network = network.eval().requires_grad_(False)

    @classmethod
    def load(cls, weights: Path = WEIGHTS) -> Judge:
        """The judge with the shipped weights, or those in another safetensors file."""
        network = Network()
        network.load_state_dict(load_file(weights))
        return cls(network)

    def objects_and_places(self, images: Sequence[Image.Image]) -> list[tuple[str, str]]:
        """For each picture the product and the place it most likely shows, as in words.PRODUCTS and words.PLACES."""
        products, places, _ = self._seen(_pixels(images))
        pairs = zip(products.argmax(1).tolist(), places.argmax(1).tolist(), strict=True)
        return [(PRODUCTS[product], list(PLACES)[place]) for product, place in pairs]

    def product_pixels(self, images: Sequence[Image.Image]) -> list[NDArray[np.uint8]]:
        """For each picture the pixels that are surely the product's, (n, 3) of 0..255; n may be 0.

        Each is averaged with its neighbours on the product, so that grain does not count as colour.
        """
        pixels = _pixels(images)
        _, _, masks = self._seen(pixels)
        larger = nn.functional.interpolate(torch.sigmoid(masks), size=SIDE, mode="bilinear")
        sure = (larger > SURE).float()  # (n, 1, 64, 64)
        smooth = _averaged(torch.from_numpy(pixels).permute(0, 3, 1, 2).float(), sure)
        rows = smooth.permute(0, 2, 3, 1).round().to(torch.uint8).numpy()
        return [row[mask] for row, mask in zip(rows, sure[:, 0].numpy() > 0, strict=True)]

    def palette_distances(self, images: Sequence[Image.Image], palette: Sequence[str]) -> list[float]:
        """How far each picture's product is from a palette of `#RRGGBB` colours, in Lab units.

        Half is how far most of the product is from its nearest palette colour, half how far each palette
        colour is from the nearest tenth of the product: neither a stray colour nor a missing one is forgiven.
        """
        wanted = lab(np.array([_rgb(value) for value in palette], np.uint8))
        return [_distance(lab(pixels), wanted) for pixels in self.product_pixels(images)]

    def palette_distance(self, images: Sequence[Image.Image], palette: Sequence[str]) -> float:
        """The mean of palette_distances."""
        return float(np.mean(self.palette_distances(images, palette)))

    def _seen(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor]:
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        products, places, masks = self._network(x)
        return products, places, masks


def lab(rgb: NDArray[np.uint8]) -> Floats:
    """sRGB colours (n, 3) of 0..255 as CIE L*a*b* under D65, (n, 3)."""
    coded = rgb.astype(np.float64) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    parts = (116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2]))
    return np.stack(parts, 1)


def _distance(product: Floats, wanted: Floats) -> float:
    if len(product) == 0:
        return NO_PRODUCT
    weights = np.array([LIGHTNESS_WEIGHT, 1.0, 1.0])
    apart = np.linalg.norm((product[:, None] - wanted[None]) * weights, axis=2)  # (pixels, colours)
    stray = _nearest(apart.min(1), STRAY_SHARE).mean()
    missing = _nearest(apart, COVERAGE_SHARE).mean()
    return float((stray + missing) / 2)


def _nearest(apart: Floats, share: float) -> Floats:
    return np.sort(apart, 0)[: max(1, int(len(apart) * share))]


def _averaged(pictures: Tensor, mask: Tensor) -> Tensor:
    """Each pixel as the mean of the masked pixels among itself and its eight neighbours."""
    total = nn.functional.avg_pool2d(pictures * mask, 3, 1, 1)
    return total / nn.functional.avg_pool2d(mask, 3, 1, 1).clamp(min=1e-6)


def _pixels(images: Sequence[Image.Image]) -> NDArray[np.uint8]:
    """Pictures as (n, 64, 64, 3); larger or smaller ones are resized."""
    sized = (image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX) for image in images)
    return np.stack([np.asarray(image, np.uint8) for image in sized])


def _rgb(value: str) -> tuple[int, int, int]:
    digits = value.removeprefix("#")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _halving(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, 2, 1), nn.BatchNorm2d(out), nn.ReLU())


def _doubled(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
