"""A farm's foundation models as a person adds and asks for them: where from, on which terms, used by whom. Knows no terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cli import farm as farms
from cli.farm import Farm, Progress, nearest
from cluster import base_sources
from jobs.bases import adding
from jobs.bases.adding import Added, Terms
from jobs.bases.catalogue import SAYS_NON_COMMERCIAL, Listed
from jobs.errors import BaseRefused, BaseUnknown, NotFound

__all__ = ["Added", "Shown", "Terms", "Whole", "add", "listing", "require_plausible", "whole"]

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Shown:
    """A base, and the brands whose manifests name it."""

    base: Listed
    brands: tuple[str, ...]


@dataclass(frozen=True)
class Whole:
    """A base with all that its name has meant, oldest first, and its files: sizes in bytes by relative path."""

    shown: Shown
    numbered: tuple[Listed, ...]
    sizes: dict[str, int]


def add(farm: Farm, written: str, revision: str | None, terms: Terms, now: float, progress: Progress) -> Added:
    """Adds a base from where a person says it is; `progress` hears of MiB, `now` is in seconds since 1970.

    Raises BaseRefused, BaseUnknown, SourceUnreadable, Conflict, NoRoomOnDisk. Begun again, it sends only what is missing.
    """
    source = base_sources.open_source(farm.store, written, revision)
    staging = farm.staging / sha256(source.address.encode()).hexdigest()[:16]

    def tell(done: int, total: int) -> None:
        progress(done // MEBIBYTE, max(1, total // MEBIBYTE))

    added = adding.add(farm.store, source, terms, staging, now, tell)
    shutil.rmtree(staging, ignore_errors=True)  # only what a next try would have gone on from
    return added


def require_plausible(terms: Terms) -> None:
    """Raises BaseRefused where a licence by its name forbids what it is said to allow."""
    if terms.commercial and SAYS_NON_COMMERCIAL.search(terms.licence):
        raise BaseRefused(
            f"The licence {terms.licence} forbids commercial use by its own name, and --commercial says otherwise.",
            hint="Say --no-commercial, or correct --licence.",
        )


def listing(farm: Farm) -> list[Shown]:
    """What every name of the catalogue means now."""
    documents = farms.visible(farm, "BrandProject")
    return [Shown(base, tuple(_named_by(documents, base.name))) for base in farm.catalogue().all()]


def whole(farm: Farm, name: str) -> Whole:
    """One base with its files. Raises NotFound with the nearest name."""
    catalogue = farm.catalogue()
    try:
        numbered = catalogue.numbered(name)
    except BaseUnknown as unknown:
        names = [base.name for base in catalogue.all()]
        raise NotFound(
            f"The catalogue has no base {name}.{nearest(name, names)}", hint=f"There are: {', '.join(names)}."
        ) from unknown
    kept = catalogue.files(numbered[-1].digest)
    shown = Shown(numbered[-1], tuple(_named_by(farms.visible(farm, "BrandProject"), name)))
    return Whole(shown, numbered, dict(kept.sizes) if kept else {})


def _named_by(documents: Iterable[dict[str, object]], name: str) -> Iterable[str]:
    for document in documents:
        metadata, spec = document["metadata"], document["spec"]
        assert isinstance(metadata, dict)
        assert isinstance(spec, dict)
        if spec["base"]["name"] == name:
            yield f"{metadata['namespace']}/{metadata['name']}"
