"""The reference of the manifests, written from the models: `python -m cli.reference` rewrites docs/reference/manifests.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jobs import manifests
from jobs.manifests import phrases
from jobs.manifests.part import written_name
from jobs.manifests.presets import SAMPLE_EVERY

PLACE = Path("docs/reference/manifests.md")

_OPENING = """\
# Manifests

Every field of the three kinds, written from the models by `python -m cli.reference`; a test compares this page with them.
All kinds are of the group and version `{api_version}`. An unknown field is refused, and so is a key that stands twice.
A field without a default and marked *required* must be written; one marked *optional* may be left out.
"""
_PRESETS = """\
## Presets

What `spec.recipe` leaves out comes from its preset when a version is declared, and is frozen in that version's record.
`alpha` left out is the rank; `sampleEvery` left out is {sample_every}.
"""
_HEAD = "| Field | Takes | Default | Meaning |\n|---|---|---|---|\n"


def reference() -> str:
    """The whole page, as markdown."""
    opening = _OPENING.format(api_version=manifests.API_VERSION)
    kinds = "\n".join(_kind(kind) for kind in manifests.KINDS)
    return f"{opening}\n{kinds}\n{_metadata()}\n{_presets()}"


def main(arguments: list[str]) -> None:
    """Write the page to the place that is named, or to its own in the repository."""
    place = Path(arguments[0]) if arguments else PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(reference(), encoding="utf-8")


def _kind(kind: str) -> str:
    schema = manifests.schema_of(kind)
    sections = [f"## {kind}\n\n{schema['description']}\n"]
    for name, title in (("spec", "spec"), ("status", "status, written by the farm")):
        if name in schema["properties"]:
            rows = "".join(_rows(schema["properties"][name], name))
            sections.append(f"### {kind}: {title}\n\n{_HEAD}{rows}")
    return "\n".join(sections)


def _metadata() -> str:
    node = manifests.schema_of("BrandProject")["properties"]["metadata"]
    rows = "".join(_rows(node, "metadata"))
    return f"## Metadata, the same for all kinds\n\n{node['description']}\n\n{_HEAD}{rows}"


def _rows(node: Mapping[str, Any], path: str) -> Iterator[str]:
    """A row for each field below a part, and below the parts in it, in the order of the models."""
    for name, child in node["properties"].items():
        field = f"{path}.{name}"
        default = _default(child, is_required=name in node.get("required", ()))
        yield f"| `{field}` | {_cell(_takes(child))} | {default} | {_cell(child.get('description', ''))} |\n"
        inner = child.get("items", child)
        if "properties" in inner:
            yield from _rows(inner, field + ("[]" if "items" in child else ""))


def _takes(node: Mapping[str, Any]) -> str:
    if "properties" in node:
        return "a mapping"
    if "properties" in node.get("items", {}):
        return "a list of mappings"
    return phrases.expected(node)


def _default(node: Mapping[str, Any], *, is_required: bool) -> str:
    if is_required:
        return "*required*"
    if node.get("default") in (None, {}, [], ""):
        return "*optional*"
    default = node["default"]
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _presets() -> str:
    names = list(manifests.PRESETS)
    head = f"| Setting | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n"
    fields = (field for field in next(iter(manifests.PRESETS.values())).model_dump() if field != "alpha")
    rows = "".join(
        f"| `{written_name(field)}` | {' | '.join(_setting(name, field) for name in names)} |\n" for field in fields
    )
    return f"{_PRESETS.format(sample_every=SAMPLE_EVERY)}\n{head}{rows}"


def _setting(name: manifests.Concept, field: str) -> str:
    return str(getattr(manifests.PRESETS[name], field))


if __name__ == "__main__":
    main(sys.argv[1:])
