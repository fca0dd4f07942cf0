"""What a look at machine and farm came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text

from cli.checkup.finding import Finding, Verdict
from cli.output import Answer
from cli.views.columns import Row, aligned

CHECKED = ("CHECK", "VERDICT", "FOUND", "NEXT")
_STYLES = {Verdict.PASSED: "green", Verdict.WARNED: "yellow", Verdict.FAILED: "red", Verdict.NOT_PROVEN: "dim"}


def checked(findings: Sequence[Finding]) -> Answer:
    """All findings, in all their forms; the names are of those that failed."""
    return Answer(
        people=lambda width, _wide: _page(findings, width),
        rows=(CHECKED, *((one.name, one.verdict.value, one.found, one.next_step) for one in findings)),
        data=[asdict(one) for one in findings],
        names=[one.name for one in findings if one.verdict is Verdict.FAILED],
    )


def _page(findings: Sequence[Finding], width: int) -> RenderableType:
    rows = [Row((Text(one.name), Text(one.verdict.value, _STYLES[one.verdict])), _note(one)) for one in findings]
    return aligned(CHECKED[:2], rows, width, note_title="FOUND")


def _note(one: Finding) -> Text:
    note = Text(one.found, "dim" if one.verdict is Verdict.PASSED else "")
    if one.next_step and one.verdict is not Verdict.PASSED:
        note.append(f"\nNext: {one.next_step}", "bold")
    return note
