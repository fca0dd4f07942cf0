"""Which digests every kind of record names, and what for. Pure: a key and its JSON in, references out; reads no store.

Where a field is not known here, whatever in it looks like a digest counts as a name, so that nothing named is ever swept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from jobs import keys


class Kind(StrEnum):
    """What a name stands for: first what blobs are, then what records are."""

    PICTURE = "picture"  # of a dataset
    PICTURES = "pictures"  # a dataset's list of them
    SET_ASIDE = "set-aside"  # an intake's list of files that it did not take
    UPLOAD = "upload"  # the listing of an uploaded folder
    UPLOADED = "uploaded"  # one file of it
    ADAPTER = "adapter"
    LOSSES = "losses"
    SAMPLES = "samples"  # a training's list of them
    SAMPLE = "sample"
    STATE = "state"  # of a training, at a checkpoint
    PLAN = "plan"
    IMAGE = "image"
    BASE_FILE = "base-file"
    ANY = "any"  # a digest whose meaning is not known here
    DATASET = "dataset"
    TRAINING = "training"
    BASE = "base"


_PLACES: Mapping[Kind, Callable[[str], str]] = {
    Kind.DATASET: keys.dataset,
    Kind.TRAINING: keys.train,
    Kind.BASE: keys.base,
}


@dataclass(frozen=True, order=True)
class Reference:
    """One thing that a record, a list or a manifest names: what it is, and its digest or id."""

    kind: Kind
    name: str

    @property
    def key(self) -> str:
        """Where it stands in the store."""
        return _PLACES.get(self.kind, keys.blob)(self.name)


Fields = Mapping[str, Kind | None]
"""Fields of a JSON value by their path, `*` for any step of a list or map; None where a digest names nothing that is kept."""

RECORDS: Mapping[str, Fields] = {
    "record/intake/": {"asked": None, "source": Kind.UPLOAD, "dataset": Kind.DATASET, "set_aside": Kind.SET_ASIDE},
    "record/dataset/": {"id": None, "pictures": Kind.PICTURES},
    "record/train/": {
        "asked": None,
        "dataset": Kind.DATASET,
        "base": Kind.BASE,
        "adapter": Kind.ADAPTER,
        "losses": Kind.LOSSES,
        "samples": Kind.SAMPLES,
    },
    "record/failure/": {"asked": None},
    "record/retry/": {"asked": None},
    "record/chunk/": {"id": None, "plan": Kind.PLAN},
    "record/version/": {"declaration": None, "dataset": Kind.DATASET, "base": Kind.BASE, "asked": Kind.TRAINING},
    "record/campaign/": {"plan": Kind.PLAN},
    "image/": {
        "recipe_hash": None,
        "digest": Kind.IMAGE,
        "recipe.base": Kind.BASE,
        "recipe.adapters.*.digest": Kind.ADAPTER,
    },
    "checkpoint/": {
        "ask.dataset": Kind.DATASET,
        "ask.base": Kind.BASE,
        "state": Kind.STATE,
        "samples": Kind.SAMPLES,
    },
    "catalogue/": {"digest": Kind.BASE},
    "base/": {"digest": None, "files.*": Kind.BASE_FILE},
}
"""What stands in the records below a prefix."""

LISTS: Mapping[Kind, Fields] = {
    Kind.PICTURES: {"*.image": Kind.PICTURE, "*.pixels": None},
    Kind.SET_ASIDE: {},
    Kind.SAMPLES: {"*.image": Kind.SAMPLE},
    Kind.UPLOAD: {"files.*.digest": Kind.UPLOADED},
    Kind.PLAN: {"base": Kind.BASE, "looks.*.adapters.*.digest": Kind.ADAPTER},
    Kind.ANY: {},
}
"""What stands in the blobs that are themselves lists of names."""

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def named_by(key: str, body: Any) -> tuple[Reference, ...]:
    """What the record under a key names, sorted, each once; `body` is its JSON."""
    known = next((fields for prefix, fields in RECORDS.items() if key.startswith(prefix)), {})
    return _named(body, known)


def named_in(kind: Kind, body: Any) -> tuple[Reference, ...]:
    """What a blob of a kind names, sorted, each once; nothing where it is no list of names."""
    return _named(body, LISTS[kind]) if kind in LISTS else ()


def named_in_manifest(document: Any) -> tuple[Reference, ...]:
    """What a manifest names: its uploaded folder, and every digest in its spec and status."""
    return _named(document, {"spec.dataset.source": Kind.UPLOAD, "metadata.uid": None})


def _named(body: Any, known: Fields) -> tuple[Reference, ...]:
    found = {
        Reference(kind, digest)
        for path, text in _texts(body, ())
        if (kind := _kind_at(path, known)) is not None
        for digest in _DIGEST.findall(text)
    }
    return tuple(sorted(found))


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in a JSON value with the path to it; a map's names are texts too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name), name
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, (*path, "*"))


def _kind_at(path: tuple[str, ...], known: Fields) -> Kind | None:
    for written, kind in known.items():
        steps = _steps(written)
        if len(steps) == len(path) and all(ours in ("*", theirs) for ours, theirs in zip(steps, path, strict=True)):
            return kind
    return Kind.ANY


@cache
def _steps(written: str) -> tuple[str, ...]:
    return tuple(written.split("."))
