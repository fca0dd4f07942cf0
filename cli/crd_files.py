"""The custom resources' files of the chart, written from the models: `python -m cli.crd_files` rewrites helm/brandfarm/files/crds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from cli import yaml_text
from jobs.manifests import crd

PLACE = Path("helm/brandfarm/files/crds")

_OPENING = "# Written from the models by `make crds`; a test compares this file with them.\n"


def files() -> Iterator[tuple[str, str]]:
    """Each file's name and text: one custom resource each."""
    for document in crd.all_crds():
        yield f"{document['spec']['names']['plural']}.yaml", _OPENING + yaml_text.written(document)


def main(arguments: list[str]) -> None:
    """Write the files into the folder that is named, or into their own in the repository."""
    place = Path(arguments[0]) if arguments else PLACE
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files():
        (place / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
