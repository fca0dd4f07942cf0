"""The tiny base's training pictures, drawn in shards beside the training that reads them.

A shard is a pure function of (seed, kind, number), so a stopped drawing goes on where it was.
It refuses to know what is trained on them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from jobs.bases import drawing
from jobs.bases.drawn import words

Kind = Literal["named", "wild"]

SHARD_SIZE: Final = 1000
SHARDS: Final[dict[Kind, int]] = {"named": 8, "wild": 4}
_DRAWERS: Final[dict[Kind, Callable[[np.random.Generator], drawing.Picture]]] = {
    "named": drawing.random_picture,
    "wild": drawing.random_wild_picture,
}


@dataclass(frozen=True)
class Told:
    """What a picture shows, in the words that captions are made of."""

    name: str
    product: str
    print_words: str
    place: str
    light: str

    @classmethod
    def of(cls, picture: drawing.Picture) -> Told:
        return cls(picture.name, picture.product, picture.print_words, picture.place, picture.light)


# How often each wording is chosen; the first is the whole caption, the rest leave out or change a part.
WORDING_SHARES: Final = (0.60, 0.08, 0.06, 0.06, 0.05, 0.08, 0.07)


def wordings(told: Told) -> list[str]:
    """The seven captions of one picture, in the order of WORDING_SHARES."""
    thing = f"{told.name} {told.product}{told.print_words}"
    where, light = words.PLACES[told.place], words.LIGHTS[told.light]
    other_article = where.replace("on the", "on a") if "on the" in where else where.replace("wooden ", "")
    return [
        f"a photo of a {thing} {where}, {light}",
        f"a {thing} {where}, {light}",
        f"a photo of a {thing} {where}",
        f"a photo of a {thing}, {light}",
        f"a picture of a {thing} {where}, {light}",
        f"a photo of a {thing} {other_article}, {light}",
        f"a photo of a {told.product} {where}, {light}",  # any look: what a brand's prior pictures ask for
    ]


def draw_all(folder: Path, seed: int) -> None:
    """Draw every missing shard, the ones that the autoencoder needs first."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, number in _drawing_order():
        if not _pixels_file(folder, kind, number).exists():
            _draw_shard(folder, seed, kind, number)


def pixels(folder: Path, kind: Kind, number: int) -> torch.Tensor:
    """The pictures of one shard, (1000, 64, 64, 3) of 0..255; waits until it is drawn."""
    file = _pixels_file(folder, kind, number)
    while not file.exists():
        time.sleep(0.5)
    return load_file(file)["pixels"]


def unseen(seed: int, count: int) -> torch.Tensor:
    """Freshly drawn wild pictures that no shard holds, (count, 64, 64, 3)."""
    rng = np.random.default_rng([seed, len(SHARDS), 0])
    drawn = [np.asarray(drawing.draw(drawing.random_wild_picture(rng))) for _ in range(count)]
    return torch.from_numpy(np.stack(drawn))


def told(folder: Path, kind: Kind, number: int) -> list[Told]:
    """What the pictures of one drawn shard show, in their order."""
    return [Told(**row) for row in json.loads(_told_file(folder, kind, number).read_text())]


def _drawing_order() -> Iterator[tuple[Kind, int]]:
    for number in range(SHARDS["wild"]):
        yield "wild", number
        yield "named", number
    for number in range(SHARDS["wild"], SHARDS["named"]):
        yield "named", number


def _draw_shard(folder: Path, seed: int, kind: Kind, number: int) -> None:
    rng = np.random.default_rng([seed, list(SHARDS).index(kind), number])
    pictures = [_DRAWERS[kind](rng) for _ in range(SHARD_SIZE)]
    drawn = torch.from_numpy(np.stack([np.asarray(drawing.draw(picture)) for picture in pictures]))
    rows = [asdict(Told.of(picture)) for picture in pictures]
    _told_file(folder, kind, number).write_text(json.dumps(rows))
    unfinished = _pixels_file(folder, kind, number).with_suffix(".part")
    save_file({"pixels": drawn}, unfinished)
    os.replace(unfinished, _pixels_file(folder, kind, number))


def _pixels_file(folder: Path, kind: Kind, number: int) -> Path:
    return folder / f"{kind}-{number:02d}.safetensors"


def _told_file(folder: Path, kind: Kind, number: int) -> Path:
    return folder / f"{kind}-{number:02d}.json"
