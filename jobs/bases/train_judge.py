"""Trains the judge on drawn pictures, made worse as models and finishes do.

    python -m jobs.bases.train_judge [--steps N] [--pictures N] [--seed N] [--to FILE]

It refuses to see a generated picture or a brand's own colours.
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from jobs.bases import drawing
from jobs.bases.drawn import words
from jobs.bases.drawn.words import PLACES, PRODUCTS
from jobs.bases.judge import WEIGHTS, Network

BATCH: Final = 64
RATE: Final = 3e-3


@dataclass(frozen=True)
class Examples:
    """Pictures (n, 3, 64, 64) of -1..1, masks (n, 1, 32, 32) of 0..1, product and place numbers (n,)."""

    pictures: Tensor
    masks: Tensor
    products: Tensor
    places: Tensor

    @classmethod
    def drawn(cls, seed: int, count: int) -> Examples:
        """Named looks, wild ones, and the brands' prints in any colours, a third each."""
        rng = np.random.default_rng(seed)
        pictures = [_any_picture(rng) for _ in range(count)]
        pixels = np.stack([np.asarray(drawing.draw(p)) for p in pictures])
        masks = np.stack([np.asarray(drawing.product_mask(p).reduce(2)) for p in pictures])
        return cls(
            torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1,
            torch.from_numpy(masks)[:, None].float() / 255,
            torch.tensor([PRODUCTS.index(p.product) for p in pictures]),
            torch.tensor([list(PLACES).index(p.place) for p in pictures]),
        )

    def mirrored(self) -> Examples:
        """The same pictures seen in a mirror, which shows the same products and places."""
        return Examples(self.pictures.flip(3), self.masks.flip(3), self.products, self.places)

    def __getitem__(self, chosen: Tensor) -> Examples:
        return Examples(self.pictures[chosen], self.masks[chosen], self.products[chosen], self.places[chosen])


def main() -> None:
    """Draw, train, save."""
    parser = argparse.ArgumentParser(description="Train the judge on drawn pictures.")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--pictures", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--to", type=Path, default=WEIGHTS)
    said = parser.parse_args()
    network = train(Examples.drawn(said.seed, said.pictures), said.steps, said.seed)
    said.to.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), said.to, {"steps": str(said.steps), "seed": str(said.seed)})


def train(examples: Examples, steps: int, seed: int) -> Network:
    """A network that knows the examples however blurred, grainy and faded they are."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    network = Network().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for step in range(steps):
        batch = examples[torch.randint(0, len(examples.products), (BATCH,), generator=random)]
        batch = batch.mirrored() if step % 2 else batch
        loss = _loss(network, batch, worsened(batch.pictures, random))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"judge {step} loss {loss.item():.4f}", flush=True)
    return network.eval()


def worsened(pictures: Tensor, random: torch.Generator) -> Tensor:
    """Pictures with contrast and saturation changed, blurred in part and grained, each at its own strength."""
    n = len(pictures)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((n, 1, 1, 1), generator=random)

    faded = pictures * between(0.6, 1.1) + between(-0.1, 0.1)
    grey = (faded * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1, keepdim=True)
    faded = grey + (faded - grey) * between(0.6, 1.2)
    blurred = nn.functional.avg_pool2d(faded, 3, 1, 1, count_include_pad=False)
    soft = faded + (blurred - faded) * between(0.0, 1.0)
    mono = torch.randn((n, 1, *pictures.shape[2:]), generator=random)
    coloured = torch.randn(pictures.shape, generator=random)
    return (soft + between(0.0, 0.3) * mono + between(0.0, 0.3) * coloured).clamp(-1, 1)


def _loss(network: Network, batch: Examples, pictures: Tensor) -> Tensor:
    products, places, masks = network(pictures)
    named = nn.functional.cross_entropy(products, batch.products)
    placed = nn.functional.cross_entropy(places, batch.places)
    covered = nn.functional.binary_cross_entropy_with_logits(masks, batch.masks)
    return named + placed + 2 * covered


def _any_picture(rng: np.random.Generator) -> drawing.Picture:
    """A named look, a wild one, or a print that brands use in any colours: shapes must be known under each."""
    kind = rng.integers(3)
    if kind == 0:
        return drawing.random_picture(rng)
    wild = drawing.random_wild_picture(rng)
    if kind == 1:
        return wild
    held_out = str(rng.choice(words.HELD_OUT_PATTERNS))
    return dataclasses.replace(wild, look=dataclasses.replace(wild.look, pattern=held_out))


if __name__ == "__main__":
    main()
