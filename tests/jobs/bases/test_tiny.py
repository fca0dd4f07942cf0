"""The shipped tiny base: small, as its provenance says, and loadable as a plain diffusers pipeline."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from jobs.bases import train_tiny_export as export
from jobs.bases import train_tiny_model as model
from jobs.bases.drawn import words
from jobs.bases.judge import Judge

TINY = Path(export.__file__).parent / "tiny"


@functools.cache
def pipeline() -> Any:
    loaded = StableDiffusionPipeline.from_pretrained(TINY, dtype=torch.float32, use_safetensors=True)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def test_it_is_at_most_ten_megabytes() -> None:
    assert sum(file.stat().st_size for file in TINY.rglob("*") if file.is_file()) <= 10_000_000


def test_its_files_are_those_of_its_provenance() -> None:
    provenance = json.loads((TINY / "provenance.json").read_text())
    assert export.digests(TINY) == provenance["files"]


def test_every_word_of_the_drawn_world_is_one_token() -> None:
    tokens = [pipeline().tokenizer.tokenize(word) for word in words.VOCABULARY]
    assert tokens == [[word + "</w>"] for word in words.VOCABULARY]


def test_its_tokenizer_is_the_one_the_script_writes(tmp_path: Path) -> None:
    model.tokenizer(tmp_path)
    assert (tmp_path / "vocab.json").read_text() == (TINY / "tokenizer" / "vocab.json").read_text()
    assert (tmp_path / "merges.txt").read_text() == (TINY / "tokenizer" / "merges.txt").read_text()


def test_it_draws_the_product_and_the_place_that_the_prompt_names() -> None:
    scenes = [(words.PRODUCTS[i % 6], list(words.PLACES)[i % 5], _COLOURS[i % 7]) for i in range(10)]
    prompts = [f"a photo of a {c} {product} {words.PLACES[place]}, bright noon" for product, place, c in scenes]
    seen = Judge.load().objects_and_places(export.sample(pipeline(), prompts, first_seed=3))
    right = [pair == (product, place) for pair, (product, place, _) in zip(seen, scenes, strict=True)]
    assert sum(right) >= 9


_COLOURS = ("red", "blue", "green", "pink", "yellow", "purple", "teal")
