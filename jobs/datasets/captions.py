"""Captions: which text belongs to which picture, the glossary's words, and the trigger that each must hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
LONGEST_CAPTION_BYTES = 8 * 1024


def pairs(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Every picture's name with its caption's: the same name ending in .txt, or None where there is none; sorted."""
    there = set(names)
    pictures = sorted(name for name in there if PurePosixPath(name).suffix.lower() in PICTURES)
    return [(name, sidecar if (sidecar := _sidecar(name)) in there else None) for name in pictures]


def _sidecar(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".txt"))


def strays(names: Iterable[str]) -> list[tuple[str, str]]:
    """Files that are neither a picture nor a picture's caption, each with why it is set aside."""
    there = set(names)
    captions = {caption for _, caption in pairs(there) if caption}
    rest = sorted(name for name in there - captions if PurePosixPath(name).suffix.lower() not in PICTURES)
    return [(name, "a caption without a picture" if name.endswith(".txt") else "not a picture") for name in rest]


def worded(caption: str, glossary: Mapping[str, str]) -> str:
    """The caption with each of the glossary's words replaced, whole words only, and its white space made single."""
    for word, instead in glossary.items():
        caption = re.sub(rf"\b{re.escape(word)}\b", lambda _: instead, caption, flags=re.IGNORECASE)  # noqa: B023
    return " ".join(caption.split())


def holds(caption: str, trigger: str) -> bool:
    """Whether the trigger stands in a caption as a word of its own."""
    return re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption) is not None
