"""A first manifest for a folder of pictures: looks at them and their captions, and decides what a brand's fields should say.

Writes nothing but draft captions, and those only where they are asked for. Knows no terminal and no YAML.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.farm import Farm
from jobs import blobs
from jobs.bases import catalogue
from jobs.bases.catalogue import Listed
from jobs.datasets import captions, noticing, palette, wording
from jobs.datasets import folder as folders
from jobs.datasets.decode import Decoder, Limits, Refusal
from jobs.datasets.folder import FolderSource, Told
from jobs.datasets.noticing import Notice
from jobs.errors import Conflict, DatasetInvalid, FarmError, ManifestInvalid, NotFound
from jobs.manifests import Concept, names
from jobs.manifests.presets import PRESETS

if TYPE_CHECKING:
    from jobs.datasets.measuring import Measure

FEWEST_PICTURES = 8
LIBRARIES = ("PIL", "numpy")
VOCABULARY = "tokenizer/vocab.json"
WORD_END = "</w>"
CLASS_OF = {Concept.PRODUCT: wording.NO_CLASS, Concept.STYLE: "style", Concept.CHARACTER: "person"}

SMALLEST_RESOLUTION = 64
FULL_SIZE = 256  # pixels from which a base is one that photographs are made with; the presets are the small one's
FULL_SIZE_RATE = 1.0e-4
FULL_SIZE_LOOKS = {"sd15": (80, 2), "sdxl": (60, 1)}  # how often each picture is looked at, and pictures in a step
USUAL_COUNT = 32  # pictures, for which the presets' steps are
FEWEST_STEPS, MOST_STEPS, STEP_OF_STEPS = 200, 4000, 50
REACHED_BY = 0.75  # of the pictures are as large as the square that is trained

Tell = Callable[[int, int], None]


class LibrariesMissing(FarmError):
    """What looks at pictures is not installed."""


@dataclass(frozen=True)
class Asked:
    """What a person says about the brand; what is empty is found or proposed."""

    name: str
    folder: Path
    base: Listed
    vocabulary: frozenset[str]
    concept: Concept = Concept.PRODUCT
    trigger: str = ""
    class_name: str = ""


@dataclass(frozen=True)
class Looked:
    """What stands in the folder: the captions as they were told, the pictures as they were measured, and those refused."""

    told: Told
    measures: tuple[Measure, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Said:
    """A field's value, and in a few words how it was come by."""

    value: str
    why: str


@dataclass(frozen=True)
class Training:
    """The part of a recipe that follows from the pictures and the base."""

    steps: int
    rate: float
    resolution: int
    batch: int
    rank: int
    seed: int
    prior: float
    dropout: float
    why: str


@dataclass(frozen=True)
class Draft:
    """A brand's fields, what was noticed on the way, and the captions that would be drafts."""

    asked: Asked
    pictures: int
    trigger: Said
    class_name: Said
    prompts: tuple[str, ...]
    prompts_why: str
    palette: tuple[str, ...]
    training: Training
    sizes: str
    notices: tuple[Notice, ...] = field(default=())
    bare: tuple[str, ...] = ()


def require_libraries() -> None:
    """Raises LibrariesMissing before anything long begins."""
    if any(importlib.util.find_spec(name) is None for name in LIBRARIES):
        raise LibrariesMissing(
            "Pictures cannot be looked at: Pillow and numpy are not installed.",
            hint="Install them with `uv tool install 'brandfarm[worker]'` (or `pipx install 'brandfarm[worker]'`).",
        )


def require_name(name: str) -> None:
    """Raises ManifestInvalid where a brand cannot be called that."""
    if not re.fullmatch(names.LABEL.pattern, name) or len(name) > names.LONGEST_PARENT_NAME:
        expected = f"at most {names.LONGEST_PARENT_NAME} {names.LABEL.expected}, such as stable-socks"
        raise ManifestInvalid(f"{name!r} is no name for a brand.", hint=f"It takes {expected}.")


def vocabulary(farm: Farm, base: Listed) -> frozenset[str]:
    """The words that are one token of a base; none where it keeps no such list. Raises StoreError."""
    if base.is_shipped:
        found = catalogue.by_name(base.name).folder / VOCABULARY
        words = json.loads(found.read_bytes()) if found.exists() else {}
    else:
        kept = farm.catalogue().files(base.digest)
        digest = kept.files.get(VOCABULARY) if kept else None
        words = blobs.get_json(farm.store, digest) if digest else {}
    return frozenset(word.removesuffix(WORD_END) for word in words if word.endswith(WORD_END) and len(word) > 5)


def look(asked: Asked, tell: Tell) -> Looked:
    """Everything that stands in the folder; each picture is decoded in a child process. Raises DatasetInvalid, SourceUnreadable."""
    from jobs.datasets.measuring import measure

    source, limits = FolderSource(asked.folder), Limits()
    told, sizes = folders.told(source), {file.name: file.size for file in source.list()}
    measures, refused = [], []
    with Decoder(limits) as decoder:
        for done, name in enumerate(told.pictures, start=1):
            too_large = sizes[name] > limits.file_bytes
            decoded = Refusal(f"{sizes[name]:,} bytes") if too_large else decoder.decode(source.read(name))
            if isinstance(decoded, Refusal):
                refused.append((name, decoded.reason))
            else:
                measures.append(measure(name, decoded.png, decoded.pixels, asked.base.resolution))
            tell(done, len(told.pictures))
    if not measures:
        raise _nothing_to_learn_from(asked.folder, told, refused)
    return Looked(told, tuple(measures), tuple(refused))


def told_again(asked: Asked, looked: Looked) -> Looked:
    """The same pictures, with the captions as they stand now."""
    return replace(looked, told=folders.told(FolderSource(asked.folder)))


def draft(asked: Asked, looked: Looked) -> Draft:
    """What the brand's manifest should say. Raises ManifestInvalid for a trigger that means something already."""
    texts = list(looked.told.texts.values())
    trigger = _trigger(asked, texts)
    class_name = _class(asked, texts, trigger.value)
    prompts = wording.prompts(texts, trigger.value, class_name.value)
    is_from_captions = any(f"{trigger.value} {class_name.value}" in text for text in texts)
    training = _training(asked, looked.measures)
    return Draft(
        asked,
        len(looked.measures),
        trigger,
        class_name,
        prompts,
        "places and lights of the captions" if is_from_captions else "no caption names a place yet: write your own",
        _palette(looked.measures),
        training,
        _sizes(looked.measures),
        tuple(_notices(looked, trigger.value, training.resolution)),
        tuple(looked.told.bare),
    )


def write_captions(draft_: Draft) -> list[str]:
    """Writes a draft beside each picture that has no caption; what is there is never touched. The files, by name."""
    text = wording.draft(draft_.trigger.value, draft_.class_name.value)
    written = []
    for name in draft_.bare:
        path = (draft_.asked.folder / name).with_suffix(".txt")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(f"{text}\n")
        except FileExistsError:
            continue  # written meanwhile, or by another picture of the same name
        except OSError as refused:
            raise Conflict(
                f"{path} cannot be written: {refused.strerror}.", hint="Make the folder writable."
            ) from refused
        written.append(path.relative_to(draft_.asked.folder).as_posix())
    return written


def _nothing_to_learn_from(folder: Path, told: Told, refused: Sequence[tuple[str, str]]) -> FarmError:
    if not told.pictures:
        return NotFound(f"There is no picture in {folder}.", hint="PNG, JPEG, WebP, TIFF and BMP are read.")
    name, reason = refused[0]
    return DatasetInvalid(
        f"None of the {len(told.pictures)} pictures in {folder} can be read, first {name}: {reason}.",
        hint="Export them again as PNG or JPEG.",
    )


def _trigger(asked: Asked, texts: Sequence[str]) -> Said:
    if asked.trigger:
        if wording.means_something(asked.trigger, asked.vocabulary):
            another = wording.proposed_trigger(asked.name, asked.vocabulary)
            raise ManifestInvalid(
                f"{asked.base.name} has a meaning for {asked.trigger} already, which a trigger must not have.",
                hint=f"Take a word that means nothing yet, such as {another}.",
            )
        return Said(asked.trigger, "as you said")
    found = wording.found_trigger(texts, asked.vocabulary)
    if found:
        count = sum(captions.holds(text, found) for text in texts)
        every = f"all {count}" if count == len(texts) else f"{count} of {len(texts)}"
        return Said(found, f"the rare word of {every} captions")
    return Said(
        wording.proposed_trigger(asked.name, asked.vocabulary), "proposed from the name; no caption says it yet"
    )


def _class(asked: Asked, texts: Sequence[str], trigger: str) -> Said:
    if asked.class_name:
        return Said(asked.class_name, "as you said")
    found = wording.found_class(texts, trigger)
    if found:
        return Said(found, "the word after the trigger in the captions")
    guessed = wording.guessed_class(asked.name, asked.vocabulary)
    return Said(
        CLASS_OF[asked.concept] if guessed == wording.NO_CLASS else guessed, "a guess: say what kind of thing it is"
    )


def _training(asked: Asked, measures: Sequence[Measure]) -> Training:
    preset, count, base = PRESETS[asked.concept], len(measures), asked.base
    if base.resolution < FULL_SIZE:
        looks, batch, rate = preset.steps * preset.batch / USUAL_COUNT, preset.batch, preset.learning_rate
    else:
        (looks, batch), rate = FULL_SIZE_LOOKS.get(base.family, (60, 1)), FULL_SIZE_RATE
    wanted = round(looks * count / batch / STEP_OF_STEPS) * STEP_OF_STEPS
    steps = min(max(wanted, FEWEST_STEPS), MOST_STEPS)
    why = f"each of the {count} pictures is looked at {round(steps * batch / count)} times"
    return Training(
        steps,
        rate,
        _resolution(base, measures),
        batch,
        preset.rank,
        preset.seed,
        preset.prior,
        preset.caption_dropout,
        why,
    )


def _resolution(base: Listed, measures: Sequence[Measure]) -> int:
    """The base's own, or where the pictures are smaller, the largest square in eights that most of them reach."""
    sides = sorted((one.short_side for one in measures), reverse=True)
    reached = sides[min(len(sides) - 1, int(REACHED_BY * len(sides)))]
    least = max(SMALLEST_RESOLUTION, base.resolution // 2)  # under half of it, a base draws little that is sound
    return min(base.resolution, max(least, reached // 8 * 8))


def _palette(measures: Sequence[Measure]) -> tuple[str, ...]:
    from jobs.datasets.measuring import colour_of

    return palette.palette([one.middle for one in measures], [one.rim for one in measures], colour_of)


def _sizes(measures: Sequence[Measure]) -> str:
    """`64 x 64`, or the smallest and the largest with the spread of the aspects."""
    sizes = sorted({(one.width, one.height) for one in measures}, key=lambda size: size[0] * size[1])
    if len(sizes) == 1:
        return f"all {sizes[0][0]} x {sizes[0][1]}"
    aspects = sorted(width / height for width, height in sizes)
    (first, second), (third, fourth) = sizes[0], sizes[-1]
    return f"{first} x {second} to {third} x {fourth}, aspect {aspects[0]:.2f} to {aspects[-1]:.2f}"


def _notices(looked: Looked, trigger: str, resolution: int) -> Iterator[Notice]:
    for name, reason in looked.refused:
        yield Notice("unreadable", f"{name} cannot be read: {reason}", (name,))
    yield from noticing.notices(looked.measures, resolution, FEWEST_PICTURES)
    told = looked.told
    lacking = [told.where[name] for name in told.lacking(trigger)]
    yield from noticing.caption_notices(told.bare, told.unusable, told.texts, lacking, trigger)
    if told.aside:
        names_ = tuple(name for name, _ in told.aside)
        yield Notice(
            "aside", f"{len(names_)} other files would be set aside, first {names_[0]}: {told.aside[0][1]}", names_
        )
