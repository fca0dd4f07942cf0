"""A folder of this machine as a dataset's source, and what its captions say, before anything is uploaded. Opens no picture."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs.datasets import captions, listed_captions, sidecars
from jobs.datasets.decode import Refusal
from jobs.errors import SourceUnreadable
from jobs.ports import Source, SourceFile


class FolderSource:
    """The files below a folder; hidden ones are passed over, as an upload does."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            found = "is not a folder" if folder.exists() else "does not exist"
            raise SourceUnreadable(f"{folder} {found}.", hint="Name the folder that holds the pictures.")
        self.folder = folder

    def list(self) -> list[SourceFile]:
        """The files, sorted by name; each one's tag is its size and time. Raises SourceUnreadable."""
        return sorted(self._files(), key=lambda file: file.name)

    def read(self, name: str) -> bytes:
        """One file's bytes. Raises SourceUnreadable."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as refused:
            raise _unreadable(self.folder / name, refused) from refused

    def _files(self) -> Iterator[SourceFile]:
        for place, folders, files in os.walk(self.folder, onerror=_refuse):
            folders[:] = [one for one in folders if not one.startswith(".")]
            for path in (Path(place) / one for one in files if not one.startswith(".")):
                facts = _stat(path)
                yield SourceFile(
                    path.relative_to(self.folder).as_posix(), facts.st_size, f"{facts.st_size}-{facts.st_mtime_ns}"
                )


@dataclass(frozen=True)
class Told:
    """What stands in a folder: each picture's caption or why it has none to use, other files, and lines about no picture.

    `where` is the file that each caption was read from, by picture.
    """

    captions: Mapping[str, str | Refusal]
    where: Mapping[str, str]
    aside: tuple[tuple[str, str], ...]

    @property
    def pictures(self) -> list[str]:
        """Every picture's name, sorted."""
        return list(self.captions)

    @property
    def texts(self) -> dict[str, str]:
        """The captions that can be used, by picture."""
        return {name: text for name, text in self.captions.items() if isinstance(text, str)}

    @property
    def bare(self) -> list[str]:
        """Pictures without any caption."""
        return [name for name, text in self.captions.items() if text == sidecars.NO_CAPTION]

    @property
    def unusable(self) -> list[tuple[str, str]]:
        """Pictures whose caption cannot be used, each with why."""
        refused = ((name, text) for name, text in self.captions.items() if isinstance(text, Refusal))
        return [(name, text.reason) for name, text in refused if text != sidecars.NO_CAPTION]

    def lacking(self, trigger: str) -> list[str]:
        """Pictures whose caption does not hold the trigger, so that an intake would refuse the whole."""
        return [name for name, text in self.texts.items() if not captions.holds(text, trigger)]


def told(source: Source, glossary: Mapping[str, str] | None = None) -> Told:
    """The captions of a source's pictures, from .txt files and metadata.jsonl alike. Raises DatasetInvalid, SourceUnreadable."""
    files = {file.name: file for file in source.list()}
    listed = listed_captions.read(source, files.values())
    strays = captions.strays(name for name in files if not listed_captions.is_listing(name))
    read: dict[str, str | Refusal] = {}
    where: dict[str, str] = {}
    for name, sidecar in captions.pairs(files):
        line = listed.get(name)
        read[name] = sidecars.caption(source, sidecar, line, glossary or {})
        where[name] = sidecar or (line.where if line else "")
    return Told(read, where, (*strays, *listed_captions.missing(listed, files)))


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as refused:
        raise _unreadable(path, refused) from refused


def _refuse(refused: OSError) -> None:
    raise _unreadable(Path(refused.filename), refused) from refused


def _unreadable(path: Path, refused: OSError) -> SourceUnreadable:
    return SourceUnreadable(
        f"{path} cannot be read: {refused.strerror}.", hint="Make it readable, or move it out of the folder."
    )
