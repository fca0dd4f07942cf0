"""Every kind of record names what it names, and nothing that looks like a digest is passed over."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import keys, references
from jobs.references import Kind, Reference
from tests import builders
from tests.builders import digest


def named(*pairs: tuple[Kind, str]) -> tuple[Reference, ...]:
    return tuple(sorted(Reference(kind, digest(word)) for kind, word in pairs))


RECIPE = {"base": digest("base"), "adapters": [{"digest": digest("adapter"), "strength": 1.0}], "prompt": "a sock"}
RECORDS: dict[str, tuple[str, dict[str, Any], tuple[Reference, ...]]] = {
    "version": (
        keys.version("uid-1", 1),
        builders.version_record(dataset=digest("dataset"), asked=digest("asked")).model_dump(mode="json"),
        named((Kind.DATASET, "dataset"), (Kind.BASE, "base"), (Kind.TRAINING, "asked")),
    ),
    "dataset": (
        keys.dataset(digest("dataset")),
        {"id": digest("dataset"), "pictures": digest("pictures"), "count": 3},
        named((Kind.PICTURES, "pictures")),
    ),
    "intake": (
        keys.intake(digest("intake")),
        {
            "asked": digest("intake"),
            "source": f"upload://{digest('upload')}",
            "dataset": digest("dataset"),
            "set_aside": digest("aside"),
        },
        named((Kind.UPLOAD, "upload"), (Kind.DATASET, "dataset"), (Kind.SET_ASIDE, "aside")),
    ),
    "image": (
        keys.image(digest("recipe")),
        {"recipe_hash": digest("recipe"), "recipe": RECIPE, "digest": digest("png"), "size": 3},
        named((Kind.BASE, "base"), (Kind.ADAPTER, "adapter"), (Kind.IMAGE, "png")),
    ),
    "chunk": (keys.chunk("c"), {"id": digest("c"), "plan": digest("plan")}, named((Kind.PLAN, "plan"))),
    "checkpoint": (
        keys.checkpoint(digest("asked"), 50, 1),
        {
            "ask": {"dataset": digest("d"), "base": digest("b")},
            "state": digest("s"),
            "samples": digest("l"),
            "own": True,
        },
        named((Kind.DATASET, "d"), (Kind.BASE, "b"), (Kind.STATE, "s"), (Kind.SAMPLES, "l")),
    ),
    "base": (
        keys.base(digest("base")),
        {
            "digest": digest("base"),
            "files": {"unet/model.safetensors": digest("file"), "vae/config.json": digest("other")},
        },
        named((Kind.BASE_FILE, "file"), (Kind.BASE_FILE, "other")),
    ),
}


@pytest.mark.parametrize(("key", "body", "expected"), RECORDS.values(), ids=RECORDS)
def test_a_record_names_what_it_was_made_of_and_what_it_holds(
    key: str, body: dict[str, Any], expected: tuple[Reference, ...]
) -> None:
    assert references.named_by(key, body) == expected


def test_a_digest_in_a_field_or_a_record_that_is_not_known_counts_as_a_name() -> None:
    unknown = {"lut": {"curve": [f"sha256:{digest('lut')}"]}, digest("as a name"): 1}
    expected = named((Kind.ANY, "lut"), (Kind.ANY, "as a name"))
    assert references.named_by("record/later/x", unknown) == expected
    chunk = {"id": digest("c"), "plan": digest("plan"), **unknown}
    assert references.named_by(keys.chunk("c"), chunk) == tuple(sorted((*expected, *named((Kind.PLAN, "plan")))))


def test_lists_name_what_is_on_them() -> None:
    pictures = [{"image": digest("png"), "pixels": digest("pixels"), "caption": "a sock"}]
    assert references.named_in(Kind.PICTURES, pictures) == named((Kind.PICTURE, "png"))
    assert references.named_in(Kind.UPLOAD, {"files": [{"digest": digest("f")}]}) == named((Kind.UPLOADED, "f"))
    plan = {"base": digest("b"), "looks": [{"adapters": [{"digest": digest("a")}]}]}
    assert references.named_in(Kind.PLAN, plan) == named((Kind.BASE, "b"), (Kind.ADAPTER, "a"))
    assert references.named_in(Kind.IMAGE, pictures) == ()


def test_a_manifest_names_its_upload_and_what_its_status_tells() -> None:
    document = builders.kept(builders.project("socks")) | {"status": {"versions": [{"sheet": digest("sheet")}]}}
    assert references.named_in_manifest(document) == named((Kind.UPLOAD, "socks"), (Kind.ANY, "sheet"))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (Kind.DATASET, keys.dataset("d")),
        (Kind.TRAINING, keys.train("d")),
        (Kind.BASE, keys.base("d")),
        (Kind.IMAGE, keys.blob("d")),
        (Kind.ANY, keys.blob("d")),
    ],
)
def test_a_reference_says_where_the_thing_stands(kind: Kind, key: str) -> None:
    assert Reference(kind, "d").key == key
