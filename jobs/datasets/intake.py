"""Intake: a source's files become a dataset of clean pictures with captions. One picture a turn; knows no worker.

A hostile or broken file is set aside with its reason and the rest goes on, unless too few remain.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs import blobs, failpoints, keys, publish
from jobs.datasets import captions, listed_captions, sidecars
from jobs.datasets.decode import Decoder, Limits, Refusal
from jobs.errors import DatasetInvalid
from jobs.identity import content_id, digest_of
from jobs.ports import ObjectStore, Source, SourceFile
from jobs.records import DatasetRecord, IntakeRecord, Picture, SetAside
from jobs.spec import IntakeAsk, asked_id

MOST_FILES = 20_000
SHOWN_ASIDE = 3  # files set aside whose reasons a person reads without asking for all


def dataset_id(pictures: list[Picture]) -> str:
    """The identity of a dataset: its pixels, sizes and captions; names, order and encoders do not matter."""
    items = sorted([one.pixels, one.width, one.height, digest_of(one.caption.encode())] for one in pictures)
    return content_id("dataset/1", items)


def intake(
    ask: IntakeAsk, source: Source, store: ObjectStore, limits: Limits | None = None
) -> Iterator[tuple[int, int]]:
    """Take a source in; yields (files done, files) after each, and has published the records when it ends.

    Raises DatasetInvalid where too few pictures remain or a caption lacks the trigger, SourceUnreadable, StoreUnavailable.
    """
    limits = limits or Limits()
    files = {file.name: file for file in source.list()}
    if len(files) > MOST_FILES:
        raise DatasetInvalid(
            f"{_named(ask.source)} holds {len(files)} files; at most {MOST_FILES} are read.",
            hint="Point spec.dataset.source at the folder of this brand's pictures only.",
        )
    listed = listed_captions.read(source, files.values())
    strays = captions.strays(name for name in files if not listed_captions.is_listing(name))
    aside = [SetAside(name=name, reason=reason) for name, reason in [*strays, *listed_captions.missing(listed, files)]]
    pictures: list[Picture] = []
    lacking: list[str] = []
    paired = captions.pairs(files)
    with Decoder(limits) as decoder:
        for done, (name, caption_name) in enumerate(paired, start=1):
            told = sidecars.caption(source, caption_name, listed.get(name), ask.glossary)
            taken = told if isinstance(told, Refusal) else _take(source, store, decoder, limits, files[name], told)
            if isinstance(taken, Picture):
                pictures.append(taken)
                if not captions.holds(taken.caption, ask.trigger):
                    lacking.append(f"{caption_name or listed[name].where}: {taken.caption[:80]!r}")
            else:
                aside.append(SetAside(name=name, reason=taken.reason))
            failpoints.reach("intake.picture")
            yield done, len(paired)
    pictures, doubles = _unique(pictures)
    _require_enough(ask, pictures, aside)
    _require_trigger(ask, lacking, len(paired))
    _publish(ask, store, pictures, aside + doubles)


def _take(
    source: Source, store: ObjectStore, decoder: Decoder, limits: Limits, file: SourceFile, caption: str
) -> Picture | Refusal:
    if file.size > limits.file_bytes:
        return Refusal(f"{file.size:,} bytes; at most {limits.file_bytes:,} are taken")
    decoded = decoder.decode(source.read(file.name))
    if isinstance(decoded, Refusal):
        return decoded
    return Picture(
        image=blobs.put(store, decoded.png),
        pixels=decoded.pixels,
        width=decoded.width,
        height=decoded.height,
        caption=caption,
    )


def _unique(pictures: list[Picture]) -> tuple[list[Picture], list[SetAside]]:
    """Each pixel content with each caption once; the order is the identity's, not the file names'."""
    once = {(one.pixels, one.caption): one for one in pictures}
    kept = [once[key] for key in sorted(once)]
    doubles = len(pictures) - len(kept)
    note = [SetAside(name=f"{doubles} picture(s)", reason="the same picture with the same caption is there already")]
    return kept, note if doubles else []


def _named(source: str) -> str:
    """The source as a person knows it: an upload's address says nothing to the one who named a folder."""
    return "The uploaded folder" if source.startswith("upload://") else source


def _require_enough(ask: IntakeAsk, pictures: list[Picture], aside: list[SetAside]) -> None:
    if len(pictures) >= ask.min_images:
        return
    found = "no picture" if not pictures else f"{len(pictures)} picture(s)"
    reasons = "; ".join(f"{one.name}: {one.reason}" for one in aside[:SHOWN_ASIDE])
    raise DatasetInvalid(
        f"{_named(ask.source)} has {found} that can be taken; at least {ask.min_images} are needed."
        + (f" Set aside {len(aside)}: {reasons}{' ...' if len(aside) > SHOWN_ASIDE else ''}." if aside else ""),
        hint="Add pictures with captions (15 to 100 serve best), or mend those that were set aside.",
    )


def _require_trigger(ask: IntakeAsk, lacking: list[str], count: int) -> None:
    if lacking:
        raise DatasetInvalid(
            f"{len(lacking)} of {count} captions lack the trigger {ask.trigger!r}, first {lacking[0]}.",
            hint=f"Write {ask.trigger} into every caption where the product is named, or change spec.trigger.",
        )


def _publish(ask: IntakeAsk, store: ObjectStore, pictures: list[Picture], aside: list[SetAside]) -> None:
    identity = dataset_id(pictures)
    listed = blobs.put_json(store, [one.model_dump(mode="json") for one in pictures])
    record = DatasetRecord(id=identity, pictures=listed, count=len(pictures))
    images = [one.image for one in pictures]
    publish.record(store, keys.dataset(identity), record.model_dump(exclude={"writeId"}), blobs=[listed, *images])
    asked = asked_id(ask)
    set_aside = blobs.put_json(store, [one.model_dump() for one in aside])
    became = IntakeRecord(
        asked=asked,
        source=ask.source,
        dataset=identity,
        count=len(pictures),
        set_aside=set_aside,
        set_aside_count=len(aside),
        first_aside=aside[:SHOWN_ASIDE],
    )
    publish.record(store, keys.intake(asked), became.model_dump(exclude={"writeId"}), blobs=[set_aside])
