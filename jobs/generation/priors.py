"""Prior pictures: what the base itself draws at a dataset's captions without the trigger, so that a brand keeps to its trigger.

Picture k depends on the seed, its caption, and how often that caption came before; never on the other captions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from torch import Tensor

from jobs.bases.loading import Base
from jobs.errors import DatasetInvalid
from jobs.generation import samples
from jobs.identity import content_id
from jobs.shots import Sampling


def prior_latents(
    base: Base,
    captions: Sequence[str],
    seed: int,
    count: int,
    sampling: Sampling,
    *,
    width: int,
    height: int,
    batch_size: int = 8,
) -> tuple[Tensor, list[str]]:
    """`count` prior pictures as latents [count, C, h, w] in the scale that the UNet knows, and the caption of each.

    The captions, already without the trigger, are taken in turn. Raises DatasetInvalid where there is none.
    """
    if not captions:
        raise DatasetInvalid(
            "Prior pictures need captions, and the dataset has none.", hint="Add captions, or set recipe.prior to 0."
        )
    chosen = [captions[number % len(captions)] for number in range(count)]
    seeds = prior_seeds(chosen, seed)
    wanted = samples.Wanted(chosen, seeds, sampling, width, height, batch_size=batch_size)
    return samples.draw_latents(base, wanted), chosen


def prior_seeds(captions: Sequence[str], seed: int) -> list[int]:
    """One seed of 63 bits for each prior picture, from the training's seed, its caption and its repetition."""
    seen: Counter[str] = Counter()
    seeds = []
    for caption in captions:
        name = content_id("prior/1", {"seed": seed, "caption": caption, "repetition": seen[caption]})
        seeds.append(int(name[:16], 16) >> 1)
        seen[caption] += 1
    return seeds


def without_trigger(caption: str, trigger: str) -> str:
    """The caption without the trigger as a whole word, and without the gap that it leaves.

    "a photo of a stblsx sock, at night" becomes "a photo of a sock, at night".
    """
    cut = re.sub(rf"(?<!\w){re.escape(trigger)}(?!\w)", " ", caption) if trigger else caption
    return re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s+", " ", cut)).strip(" ,")
