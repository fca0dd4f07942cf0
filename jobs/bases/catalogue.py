"""The catalogue of foundation models: those shipped here, and those that stand in a farm's store. Loads no weights.

A name means the newest weights added under it; versions that were declared keep the digest that it meant then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from jobs import keys, publish
from jobs.errors import BaseUnknown, LicenceForbids, StoreError
from jobs.identity import Digest, content_id, digest_of_file
from jobs.ports import ObjectStore
from jobs.records import BaseRecord, CatalogueRecord

RecordOf = TypeVar("RecordOf", BaseRecord, CatalogueRecord)

SHIPPED = Path(__file__).parent

WANTED = {".json", ".safetensors", ".txt"}
"""The kinds of files that make a base."""

UNCOUNTED = "provenance.json"
"""How a base came to be; it changes nothing that is drawn."""


@dataclass(frozen=True)
class BaseEntry:
    """One foundation model on this machine's disk. resolution in pixels; commercial says whether the licence allows that use.

    `verified` is the digest, where the files were held against it already.
    """

    name: str
    family: str
    folder: Path
    resolution: int
    licence: str
    commercial: bool
    description: str
    verified: str = ""

    @property
    def digest(self) -> Digest:
        """The digest of the model's files, by relative path and content."""
        return Digest(self.verified) if self.verified else _tree_digest(self.folder)


ENTRIES: tuple[BaseEntry, ...] = (
    BaseEntry(
        name="tiny",
        family="sd15",
        folder=SHIPPED / "tiny",
        resolution=64,
        licence="Apache-2.0",
        commercial=True,
        description="A 10 MB latent diffusion model for laptops and tests: six products, ten colours, five places, four lights.",
    ),
)


def by_name(name: str) -> BaseEntry:
    """The shipped base of that name. Raises BaseUnknown."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise _unknown_name(name, [entry.name for entry in ENTRIES])


def by_digest(digest: str) -> BaseEntry:
    """The shipped base whose files have that digest. Raises BaseUnknown."""
    for entry in ENTRIES:
        if entry.digest == digest:
            return entry
    raise unknown_digest(digest)


def unknown_digest(digest: str) -> BaseUnknown:
    """The error for weights that are neither shipped nor in the store."""
    return BaseUnknown(
        f"This farm's catalogue has no base model with digest {digest[:12]}...",
        hint="The version was declared on other weights: add them again with `brandfarm base add`, "
        "or use the release of brandfarm that shipped them.",
    )


@dataclass(frozen=True)
class Listed:
    """A base as the catalogue lists it; its files may be elsewhere. `number` counts what its name has meant, 0 for shipped ones.

    `size` is of its files, in bytes; `source` is where they came from.
    """

    name: str
    number: int
    digest: str
    family: str
    resolution: int
    licence: str
    commercial: bool
    description: str
    source: str
    size: int
    added: float = 0.0  # seconds since 1970

    @property
    def is_shipped(self) -> bool:
        """Whether it came with brandfarm rather than by `base add`."""
        return self.number == 0

    def forbids(self, accepted: str | None) -> bool:
        """Whether its licence forbids commercial use, and is not the one that somebody accepts nevertheless."""
        return not self.commercial and accepted != self.licence


def require_licence(base: Listed, accepted: str | None) -> None:
    """Raises LicenceForbids where a base may not be used without a word that nobody gave."""
    if base.forbids(accepted):
        raise LicenceForbids(
            f"The licence of the base model {base.name}, {base.licence}, forbids commercial use.",
            hint=f"Set spec.base.acceptLicence to {base.licence!r} if this brand is never used commercially, "
            "or choose another base.",
        )


class Catalogue:
    """A farm's bases: the shipped ones, and those of its store where there is one. Looks again after `memo_seconds`.

    Every question may raise StoreUnavailable, except those that shipped bases answer.
    """

    def __init__(
        self,
        store: ObjectStore | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        memo_seconds: float = 0.0,
    ) -> None:
        self._store, self._monotonic, self._memo_seconds = store, monotonic, memo_seconds
        self._records: dict[str, BaseRecord] = {}
        self._seen: tuple[float, Mapping[str, tuple[Listed, ...]]] = (float("-inf"), {})

    def by_name(self, name: str) -> Listed:
        """What a name means now. Raises BaseUnknown."""
        for shipped in ENTRIES:
            if shipped.name == name:
                return listed(shipped)
        kept = self._kept()
        if name not in kept:
            raise _unknown_name(name, [one.name for one in self.all()])
        return kept[name][-1]

    def by_digest(self, digest: str) -> Listed:
        """The base of a digest, under the name that it was given last. Raises BaseUnknown."""
        for shipped in ENTRIES:
            if shipped.digest == digest:
                return listed(shipped)
        kept = [one for numbered in self._kept().values() for one in numbered if one.digest == digest]
        if not kept:
            raise unknown_digest(digest)
        return max(kept, key=lambda one: one.added)

    def all(self) -> list[Listed]:
        """What every name means now: shipped bases, then the store's by name."""
        return [*map(listed, ENTRIES), *(numbered[-1] for numbered in self._kept().values())]

    def numbered(self, name: str) -> tuple[Listed, ...]:
        """All that a name has meant, oldest first. Raises BaseUnknown."""
        newest = self.by_name(name)
        return (newest,) if newest.is_shipped else self._kept()[name]

    def files(self, digest: str) -> BaseRecord | None:
        """The files of a base in the store; None where it is not there."""
        if digest not in self._records and self._store is not None:
            body = publish.read(self._store, keys.base(digest))
            if body is not None:
                self._records[digest] = _parsed(keys.base(digest), body, BaseRecord)
        return self._records.get(digest)

    def _kept(self) -> Mapping[str, tuple[Listed, ...]]:
        """The store's bases by name, in order of numbers."""
        now = self._monotonic()
        if now - self._seen[0] >= self._memo_seconds:
            self._seen = (now, self._read())
        return self._seen[1]

    def _read(self) -> Mapping[str, tuple[Listed, ...]]:
        found: dict[str, list[Listed]] = {}
        for key in self._store.list(keys.CATALOGUE) if self._store else ():
            one = self._listed(key)
            found.setdefault(one.name, []).append(one)
        return {name: tuple(numbered) for name, numbered in found.items()}

    def _listed(self, key: str) -> Listed:
        assert self._store is not None
        said = _parsed(key, publish.read(self._store, key), CatalogueRecord)
        kept = self.files(said.digest)
        if kept is None:
            raise StoreError(
                f"The catalogue's {said.name} names weights that the store has lost ({keys.base(said.digest)}).",
                hint=f"Add them again: `brandfarm base add {said.source} --name {said.name} --replace ...`.",
            )
        terms = said.model_dump(exclude={"writeId", "made"})
        return Listed(**terms, family=kept.family, resolution=kept.resolution, size=kept.size)


@cache
def listed(shipped: BaseEntry) -> Listed:
    """A shipped base as the catalogue lists it."""
    return Listed(
        name=shipped.name,
        number=0,
        digest=shipped.digest,
        family=shipped.family,
        resolution=shipped.resolution,
        licence=shipped.licence,
        commercial=shipped.commercial,
        description=shipped.description,
        source="shipped with brandfarm",
        size=sum(path.stat().st_size for path in _counted(shipped.folder)),
    )


def tree_id(digests: Mapping[str, str]) -> Digest:
    """The digest of a base: of its files' digests by relative path."""
    return Digest(content_id("base/1", dict(digests)))


SAYS_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
"""What a licence is called that does not allow commercial use."""


def _parsed(key: str, body: object, model: type[RecordOf]) -> RecordOf:
    try:
        return model.model_validate(body)
    except ValidationError as odd:
        raise StoreError(
            f"What stands under {key} is no {model.__name__} that this release can read.",
            hint="Was it written by a newer release? Upgrade this one.",
        ) from odd


def _unknown_name(name: str, known: list[str]) -> BaseUnknown:
    return BaseUnknown(
        f"The catalogue has no base model named {name!r}.",
        hint=f"Set spec.base.name to one of: {', '.join(known)}; or add it with `brandfarm base add`.",
    )


def _counted(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in WANTED and path.name != UNCOUNTED)


@cache
def _tree_digest(folder: Path) -> Digest:
    files = _counted(folder)
    if not files:
        raise BaseUnknown(f"The base model's folder {folder.name} is empty.", hint="Install brandfarm again.")
    return tree_id({path.relative_to(folder).as_posix(): digest_of_file(path) for path in files})
