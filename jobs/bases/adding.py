"""Puts a base model into a farm's catalogue: its files by digest, then which they are, then what its name means from now on.

Nothing is recorded before every file stands. Begun again after a break, it sends only what is missing.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from jobs import blobs, keys, publish
from jobs.bases import catalogue, detect, selection, weights
from jobs.bases.catalogue import Catalogue, Listed
from jobs.bases.selection import Offered
from jobs.errors import BaseRefused, Conflict
from jobs.identity import Digest, digest_of_file
from jobs.manifests import names
from jobs.ports import ObjectStore
from jobs.records import BaseRecord, CatalogueRecord

Tell = Callable[[int, int], None]
"""Told of bytes: so many of so many are done."""

AUTO = "auto"
_SETTINGS = ("model_index.json", "unet/config.json", "vae/config.json")


class ModelSource(Protocol):
    """Where a model's files are. Both raise SourceUnreadable, BaseRefused."""

    @property
    def address(self) -> str:
        """Where that is, for ever: a folder, an `s3://` prefix, a hub id at its revision."""

    def files(self) -> list[Offered]:
        """What it offers."""

    def local(self, file: Offered, folder: Path) -> AbstractContextManager[Path]:
        """One file on this machine's disk; where it has to be fetched, it may lie in `folder` until the end."""


@dataclass(frozen=True)
class Terms:
    """A base as the person who adds it describes it. family: what it must be, or auto; variant: which weights, such as fp16."""

    name: str
    licence: str
    commercial: bool
    description: str = ""
    family: str = AUTO
    variant: str = ""
    replace: bool = False


class Became(StrEnum):
    """What adding did."""

    ADDED = "added"
    REPLACED = "replaced"
    THERE = "unchanged"


@dataclass(frozen=True)
class Added:
    """What a name means now, and what adding did."""

    base: Listed
    became: Became


def add(
    store: ObjectStore, source: ModelSource, terms: Terms, staging: Path, now: float, tell: Tell = lambda _d, _t: None
) -> Added:
    """Adds a model from a source under a name; `staging` holds what has to be fetched, `now` in seconds since 1970.

    Raises BaseRefused, BaseUnknown for a folder of no known family, Conflict where the name means other weights already.
    """
    known = Catalogue(store)
    require_free(known, terms, source.address)
    offered = source.files()
    family, resolution = _look(source, offered, terms, staging)
    taken = selection.select(offered, detect.PARTS[family], terms.variant)
    files = _Sending(store, source, staging, sum(file.size for file in taken.values()), tell).all(taken)
    digest = catalogue.tree_id(files)
    sizes = {name: file.size for name, file in taken.items()}
    record = BaseRecord(digest=digest, family=family, resolution=resolution, files=files, sizes=sizes)
    body = record.model_dump(mode="json", exclude={"writeId"})
    publish.record(store, keys.base(digest), body, blobs=files.values())
    return _named(store, known, terms, source.address, digest, now)


def require_free(known: Catalogue, terms: Terms, address: str = "") -> None:
    """Raises BaseRefused for a name that cannot be given, Conflict for one that means what came from elsewhere."""
    if not re.fullmatch(names.CATALOGUE.pattern, terms.name) or len(terms.name) > names.LONGEST_NAME:
        raise BaseRefused(f"A base cannot be named {terms.name!r}.", hint=f"Write {names.CATALOGUE.expected}.")
    if not re.fullmatch(names.WORDS.pattern, terms.licence):
        raise BaseRefused(f"{terms.licence!r} names no licence.", hint="Write its SPDX id, or its name in one line.")
    if any(shipped.name == terms.name for shipped in catalogue.ENTRIES):
        raise Conflict(f"{terms.name} is shipped with brandfarm.", hint="Choose another --name.")
    newest = _newest(known, terms.name)
    if newest is not None and address != newest.source and not terms.replace:
        raise _taken(newest)


def _newest(known: Catalogue, name: str) -> Listed | None:
    return next((one for one in known.all() if one.name == name), None)


def _taken(newest: Listed) -> Conflict:
    return Conflict(
        f"{newest.name} means weights {newest.digest[:12]} from {newest.source}, under {newest.licence}.",
        hint="With --replace new versions get these ones instead (those declared keep theirs); or choose another --name.",
    )


def _look(source: ModelSource, offered: list[Offered], terms: Terms, staging: Path) -> tuple[str, int]:
    """The family and the resolution, from the settings alone. Raises BaseUnknown, BaseRefused."""
    staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staging) as temporary:
        folder = Path(temporary) / (Path(source.address).name or "model")
        for file in offered:
            if file.name in _SETTINGS and file.size <= selection.LARGEST_SETTINGS_BYTES:
                place = folder / file.name
                place.parent.mkdir(parents=True, exist_ok=True)
                with source.local(file, staging) as path:
                    place.write_bytes(path.read_bytes())
        family, resolution = detect.detect(folder), detect.native_resolution(folder)
    if terms.family not in (AUTO, family):
        raise BaseRefused(f"The model is of the family {family}, not {terms.family}.", hint="Leave --family out.")
    return family, resolution


@dataclass
class _Sending:
    """Sends files into the store, one after the other."""

    store: ObjectStore
    source: ModelSource
    staging: Path
    total: int
    tell: Tell
    done: int = 0

    def all(self, taken: Mapping[str, Offered]) -> dict[str, str]:
        """The files' digests as they stand in the store, by the path under which they are kept."""
        kept: dict[str, str] = {}
        for name, file in taken.items():
            kept[name] = self._one(file)
            self.done += file.size
            self.tell(self.done, self.total)
        return kept

    def _one(self, file: Offered) -> Digest:
        """A file whose digest the source tells is not even fetched where it stands already."""
        if file.digest and blobs.exists(self.store, file.digest):
            return Digest(file.digest)
        with self.source.local(file, self.staging) as path:
            self._require_same(file, path)
            if file.name.endswith(".safetensors"):
                weights.require_safetensors(path, file.name)
            digest = digest_of_file(path)
            if file.digest not in ("", digest):
                raise BaseRefused(
                    f"{file.name} is not what {self.source.address} says it is (digest {digest[:12]}...).",
                    hint="It was changed on its way. Try again, and trust nothing on that way until it comes right.",
                )
            blobs.put_file(self.store, path, digest, lambda gone: self.tell(self.done + gone, self.total))
            return digest

    def _require_same(self, file: Offered, path: Path) -> None:
        found = path.stat().st_size
        if found != file.size:
            raise BaseRefused(
                f"{file.name} has {found:,} bytes where {file.size:,} were listed.",
                hint="It changed meanwhile, or was fetched in part: try again.",
            )


def _named(store: ObjectStore, known: Catalogue, terms: Terms, address: str, digest: str, now: float) -> Added:
    """Gives the name its next meaning, unless it means just that already. Raises Conflict."""
    newest = _newest(known, terms.name)
    said = (digest, terms.licence, terms.commercial)
    if newest is not None and (newest.digest, newest.licence, newest.commercial) == said:
        return Added(newest, Became.THERE)
    if newest is not None and not terms.replace:
        raise _taken(newest)
    number = newest.number + 1 if newest else 1
    record = CatalogueRecord(
        name=terms.name,
        number=number,
        digest=digest,
        licence=terms.licence,
        commercial=terms.commercial,
        description=terms.description,
        source=address,
        added=now,
    )
    body = record.model_dump(mode="json", exclude={"writeId"})
    if not publish.record(store, keys.catalogue(terms.name, number), body).won:
        raise Conflict(f"Somebody else added a base as {terms.name} just now.", hint="See `brandfarm base list`.")
    return Added(Catalogue(store).by_name(terms.name), Became.REPLACED if newest else Became.ADDED)
