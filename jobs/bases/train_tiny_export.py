"""Writes the trained tiny base as package files, and the grids one looks at on the way.

Half precision, diffusers' layout, with the seed, steps and digests beside it. It refuses to train.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

GUIDANCE: Final = 3.0
SAMPLING_STEPS: Final = 20

GRID_PROMPTS: Final = (
    "a photo of a red sock on a wooden table, morning sun",
    "a photo of a blue mug with white stripes on the beach, bright noon",
    "a photo of a green bottle with yellow dots on a rooftop, at sunset",
    "a photo of a pink bag on the grass, bright noon",
    "a photo of a black cap with orange stripes in a studio, bright noon",
    "a photo of a white shoe with purple dots on a rooftop, at night",
    "a photo of a teal sock with red stripes on the grass, at sunset",
    "a photo of a yellow mug with black dots on a wooden table, bright noon",
    "a photo of a purple bag with yellow stripes on the beach, at sunset",
    "a photo of an orange shoe in a studio, morning sun",
    "a photo of a stblsx sock on the beach, morning sun",
    "a photo of a stblsy mug on a wooden table, at night",
)


@dataclass(frozen=True)
class Provenance:
    """How the weights came about; `files` maps each path in the folder to its sha256.

    `began_with` is the same of an earlier model whose weights it began with, empty where it began from nothing;
    `plans` tells for each part from which step on how many steps were planned in all.
    """

    script: str
    seed: int
    vae_steps: int
    unet_steps: int
    pictures: int
    training_minutes: float
    plans: dict[str, list[list[int]]]
    vae_psnr_db: float
    licence: str
    began_with: dict[str, str]
    files: dict[str, str]


def sample(pipeline: Any, prompts: list[str], first_seed: int, guidance: float = GUIDANCE) -> list[Image.Image]:
    """One 64 x 64 picture per prompt, each from its own seed."""
    seeds = [torch.Generator().manual_seed(first_seed + i) for i in range(len(prompts))]
    made = pipeline(prompts, num_inference_steps=SAMPLING_STEPS, guidance_scale=guidance, generator=seeds)
    images: list[Image.Image] = made.images
    return images


def grid(images: list[Image.Image], columns: int, scale: int = 3, gap: int = 2) -> Image.Image:
    """Pictures of one size in rows of `columns`, enlarged without smoothing."""
    width, height = images[0].width * scale + gap, images[0].height * scale + gap
    sheet = Image.new("RGB", (columns * width, -(-len(images) // columns) * height), "white")
    for number, image in enumerate(images):
        large = image.resize((width - gap, height - gap), Image.Resampling.NEAREST)
        sheet.paste(large, (number % columns * width, number // columns * height))
    return sheet


def prompt_grid(pipeline: Any, seeds: int = 2) -> Image.Image:
    """The fixed prompts, a row for each seed."""
    rows = [sample(pipeline, list(GRID_PROMPTS), 100 * row) for row in range(seeds)]
    return grid([image for row in rows for image in row], len(GRID_PROMPTS))


def export(pipeline: Any, tokenizer_files: Path, folder: Path, made: dict[str, Any]) -> Provenance:
    """Write the pipeline in half precision and its provenance; returns the latter.

    `made` holds the provenance's fields but `files`. The pipeline is half precision afterwards.
    """
    pipeline.to(torch.float16).save_pretrained(folder, safe_serialization=True)
    for name in ("vocab.json", "merges.txt", "special_tokens_map.json"):  # not saved by transformers 5
        shutil.copyfile(tokenizer_files / name, folder / "tokenizer" / name)
    _forget_where_it_was_made(folder)
    provenance = Provenance(**made, files=digests(folder))
    (folder / "provenance.json").write_text(json.dumps(asdict(provenance), indent=2) + "\n")
    return provenance


def _forget_where_it_was_made(folder: Path) -> None:
    """Drop the path that diffusers notes in each part's config; it names a machine, not a model."""
    for file in folder.glob("*/config.json"):
        settings = json.loads(file.read_text())
        settings.pop("_name_or_path", None)
        file.write_text(json.dumps(settings, indent=2) + "\n")


def digests(folder: Path) -> dict[str, str]:
    """The sha256 of each file of the model, by its path in the folder."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.parent != folder)
    files.append(folder / "model_index.json")
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
