"""The prompt stage: every different text is encoded once and kept for as long as there is room. Knows no images."""

from __future__ import annotations

from collections import OrderedDict

from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.bases.told import TextCondition

MOST_TEXTS = 4096
"""An SDXL prompt is 318 KB of embeddings, so this is at most 1.3 GB; the tiny base's are 9 KB each."""


class Prompts:
    """A base's ear: texts in, what the UNet is told out. The text asked for longest ago is forgotten first."""

    def __init__(self, base: Base, most_texts: int = MOST_TEXTS) -> None:
        self._base = base
        self._most_texts = most_texts
        self._kept: OrderedDict[str, TextCondition] = OrderedDict()

    def condition(self, text: str) -> TextCondition:
        """What the UNet is told about a text; the same bits whether it is encoded again or was kept."""
        if text not in self._kept:
            self._kept[text] = conditioning.encode_texts(self._base, [text])[0]
        self._kept.move_to_end(text)
        while len(self._kept) > self._most_texts:
            self._kept.popitem(last=False)
        return self._kept[text]

    def negative(self, text: str) -> TextCondition:
        """What guidance leads away from; for no text, what the base has as nothing."""
        return conditioning.as_negative(self._base, text, self.condition(text))
