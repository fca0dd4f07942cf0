"""The catalogue of foundation models: name, family, where the files are, their digest, licence. Loads no weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobs.errors import BaseUnknown
from jobs.identity import Digest, content_id

SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class BaseEntry:
    """One foundation model. resolution in pixels; commercial says whether the licence allows commercial use."""

    name: str
    family: str
    folder: Path
    resolution: int
    licence: str
    commercial: bool
    description: str

    @property
    def digest(self) -> Digest:
        """The digest of the model's files, by relative path and content."""
        return _tree_digest(self.folder)


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
    """The entry of that name. Raises BaseUnknown."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in ENTRIES)
    raise BaseUnknown(
        f"The catalogue has no base model named {name!r}.", hint=f"Set spec.base.name to one of: {known}."
    )


def by_digest(digest: str) -> BaseEntry:
    """The entry whose files have that digest. Raises BaseUnknown."""
    for entry in ENTRIES:
        if entry.digest == digest:
            return entry
    raise BaseUnknown(
        f"This farm's catalogue has no base model with digest {digest[:12]}...",
        hint="The version was declared on other weights; use the release of brandfarm that shipped them.",
    )


@cache
def _tree_digest(folder: Path) -> Digest:
    wanted = {".json", ".safetensors", ".txt"}
    files = sorted(path for path in folder.rglob("*") if path.suffix in wanted and path.name != "provenance.json")
    if not files:
        raise BaseUnknown(f"The base model's folder {folder.name} is empty.", hint="Install brandfarm again.")
    tree = {str(path.relative_to(folder).as_posix()): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return Digest(content_id("base/1", tree))
