"""What an export came to: where it is, and what was proven of each file. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from cli.output import Answer

if TYPE_CHECKING:
    from jobs.leaving.export import Exported


def answer(exported: Exported) -> Answer:
    """An export in all its forms; rows are the proofs."""
    findings = exported.findings
    return Answer(
        people=lambda _width, _wide: _told(exported),
        rows=(("TARGET", "PROVEN"), *((one.target, one.sentence) for one in findings)),
        data={
            "to": str(exported.place),
            "files": dict(exported.files),
            "proven": [{"target": one.target, "words": one.sentence, **one.figures} for one in findings],
        },
        names=[str(exported.place / name) for name in exported.files],
    )


def _told(exported: Exported) -> Text:
    text = Text(f"{len(exported.files) + 1} files in {exported.place}\n")
    for name in exported.files:
        text.append(f"  {name}\n", "dim")
    text.append("Proven before they were written:\n")
    for one in exported.findings:
        text.append(f"  {one.target}: ", "bold").append(f"{one.sentence}\n")
    text.append("README.md says how to load them; PROOF.json has the figures.", "dim")
    return text
