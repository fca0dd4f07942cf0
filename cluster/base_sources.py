"""Where a base model comes from: a folder of this machine, an `s3://` prefix, or the hub. Knows no family and no catalogue."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cluster import hub, sources
from cluster.sources import S3, HasBuckets, S3Source
from jobs.bases import on_disk, selection
from jobs.bases.adding import ModelSource
from jobs.bases.selection import Offered
from jobs.errors import BaseRefused, SourceUnreadable
from jobs.ports import ObjectStore

MOST_FILES = 10_000
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def open_source(store: ObjectStore, written: str, revision: str | None) -> ModelSource:
    """The source that a person names. Raises SourceUnreadable, BaseRefused for a hub id without a pinned revision."""
    if written.startswith(S3):
        _require_no_revision(written, revision)
        return S3Models(store, written)
    if Path(written).expanduser().is_dir():
        _require_no_revision(written, revision)
        return FolderModels(Path(written).expanduser().resolve())
    if _HUB_ID.fullmatch(written):
        return hub.HubModels(written, hub.pinned(written, revision))
    raise SourceUnreadable(
        f"{written} is no folder of this machine, no s3:// prefix and no hub id.",
        hint="Name a folder in diffusers' format, s3://bucket/folder, or org/model with --revision.",
    )


class FolderModels:
    """A folder of this machine. Hidden files are left out; links that leave it are refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def address(self) -> str:
        """The folder's whole path."""
        return str(self._folder)

    def files(self) -> list[Offered]:
        """Its files, sorted by name."""
        found: list[Offered] = []
        for path in self._walked():
            if len(found) == MOST_FILES:
                raise BaseRefused(
                    f"{self._folder} has more than {MOST_FILES:,} files.", hint="Name the model's own folder."
                )
            found.append(Offered(path.relative_to(self._folder).as_posix(), path.stat().st_size))
        return sorted(found, key=lambda file: file.name)

    @contextmanager
    def local(self, file: Offered, folder: Path) -> Iterator[Path]:
        """The file where it is."""
        del folder
        yield self._folder / file.name

    def _walked(self) -> Iterator[Path]:
        for parent, folders, names in os.walk(self._folder, onerror=_tell_unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted([*names, *folders]):
                path = Path(parent) / name
                if path.is_symlink():
                    self._require_inside(path)
            yield from (Path(parent) / name for name in names if not name.startswith("."))

    def _require_inside(self, link: Path) -> None:
        target = link.resolve()
        if not target.exists() or not target.is_relative_to(self._folder):
            raise BaseRefused(
                f"{link} is a link to {target}, outside the model's folder.",
                hint="Copy the model with its files in place of links (`cp -rL`), and name the copy.",
            )


class S3Models:
    """The files below a prefix of a bucket on the farm's own store server."""

    def __init__(self, store: ObjectStore, address: str) -> None:
        self.address = address.rstrip("/") + "/"
        opened = sources.open_source(store, address)
        assert isinstance(opened, S3Source)
        assert isinstance(store, HasBuckets)
        self._source, parts = opened, urlsplit(address)
        self._bucket, self._prefix = store.bucket(parts.netloc), parts.path.strip("/")

    def files(self) -> list[Offered]:
        """Its files, sorted by name."""
        found = [Offered(file.name, file.size) for file in self._source.list()]
        if not found:
            raise SourceUnreadable(
                f"There are no files below {self.address}.", hint="Look at its bucket and its prefix."
            )
        return found

    @contextmanager
    def local(self, file: Offered, folder: Path) -> Iterator[Path]:
        """The file, fetched for as long as it is needed."""
        selection.require_inside(file.name)
        on_disk.require_room(folder, file.size)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            place = Path(temporary) / Path(file.name).name
            with sources.reading(f"{self.address}{file.name}"):
                self._bucket.get_file(f"{self._prefix}/{file.name}".lstrip("/"), place)
            yield place


def _require_no_revision(written: str, revision: str | None) -> None:
    if revision is not None:
        raise SourceUnreadable(f"{written} has no revisions; the hub's models have.", hint="Leave --revision out.")


def _tell_unreadable(refused: OSError) -> None:
    raise SourceUnreadable(
        f"{refused.filename} cannot be listed: {refused.strerror}.", hint="Make it readable, or move it away."
    ) from refused
