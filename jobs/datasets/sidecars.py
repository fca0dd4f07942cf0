"""One picture's caption, from the .txt beside it or from a listing, worded by the glossary. Opens no picture."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.datasets import captions
from jobs.datasets.decode import Refusal
from jobs.datasets.listed_captions import ListedCaption
from jobs.ports import Source

NO_CAPTION = Refusal("it has no caption: write one beside it, in a .txt file of the same name, or in metadata.jsonl")


def caption(
    source: Source, sidecar: str | None, listed: ListedCaption | None, glossary: Mapping[str, str]
) -> str | Refusal:
    """A picture's caption, or why it has none that can be used; the same in both places is no contradiction."""
    if sidecar is None and listed is None:
        return NO_CAPTION
    read = [_worded(listed.text.encode(), glossary)] if listed is not None else []
    if sidecar is not None:
        read.append(_worded(source.read(sidecar), glossary))
    if listed is not None and len(set(read)) > 1:
        return Refusal(f"{sidecar} and {listed.where} caption it differently: keep one of them")
    return read[0]


def _worded(data: bytes, glossary: Mapping[str, str]) -> str | Refusal:
    if len(data) > captions.LONGEST_CAPTION_BYTES:
        return Refusal(f"its caption has {len(data):,} bytes; at most {captions.LONGEST_CAPTION_BYTES:,} are read")
    try:
        text = captions.worded(data.decode("utf-8-sig"), glossary)
    except UnicodeDecodeError:
        return Refusal("its caption is not UTF-8 text")
    return text or Refusal("its caption is empty")
