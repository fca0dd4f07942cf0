"""What a check, a count and a sweep of a store came to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.output import Answer
from cli.views import marks
from cli.views.bases import size
from cli.views.columns import Row, aligned, cell
from cluster.store_doctor import Finding, Verdict
from cluster.store_sweep import Condemned, Why
from cluster.store_usage import Amount, Holder, Usage

CHECKED = ("CHECK", "VERDICT", "SECONDS", "FOUND", "NEXT")
USED = ("WHAT", "NAME", "OBJECTS", "BYTES", "SHARED_OBJECTS", "SHARED_BYTES")
SWEPT = ("REASON", "OBJECTS", "BYTES", "WAITING_OBJECTS", "WAITING_BYTES")
_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.NOT_PROVEN: "yellow"}


def examined(findings: Sequence[Finding]) -> Answer:
    """A check of a store in all its forms."""
    rows = [(one.name, one.verdict.value, f"{one.seconds:.2f}", one.found, one.next_step) for one in findings]
    return Answer(
        people=lambda width, wide: _checks(findings, width, wide),
        rows=(CHECKED, *rows),
        data=[asdict(one) for one in findings],
        names=[one.name for one in findings if one.verdict is Verdict.FAILED],
    )


def _checks(findings: Sequence[Finding], width: int, wide: bool) -> RenderableType:
    rows = [
        Row(
            (Text(one.name), Text(one.verdict.value, _STYLES[one.verdict]), Text(f"{one.seconds:.2f}")),
            _note(one, wide),
        )
        for one in findings
    ]
    return aligned(CHECKED[:3], rows, width, note_title="FOUND")


def _note(one: Finding, wide: bool) -> Text:
    note = Text(f"{one.attempted}: {one.found}" if wide else one.found, "dim" if one.verdict is Verdict.PASSED else "")
    if one.verdict is Verdict.FAILED:
        note.append(f"\nNext: {one.next_step}", "bold")
    return note


def used(usage: Usage, ready: Amount, waiting: Amount) -> Answer:
    """How much lies in a store, in all its forms; `ready` would go in a sweep now, `waiting` in a later one."""
    amounts = {"total": usage.total, "shared": usage.shared, "unowned": usage.unowned}
    sweep = {"sweep": ready, "later": waiting}
    rows = [
        *(("kind", word, *_cells(amount), "", "") for word, amount in usage.kinds),
        *(("holder", _title(one), *_cells(one.own), *_cells(one.shared)) for one in usage.holders),
        *((word, "", *_cells(amount), "", "") for word, amount in (amounts | sweep).items()),
    ]
    return Answer(
        people=lambda width, _wide: _usage(usage, ready, waiting, width),
        rows=(USED, *rows),
        data=_usage_data(usage) | {word: asdict(amount) for word, amount in (amounts | sweep).items()},
        names=[_title(one) for one in usage.holders],
    )


def _usage_data(usage: Usage) -> dict[str, Any]:
    return {
        "kinds": [{"kind": word, **asdict(amount)} for word, amount in usage.kinds],
        "holders": [
            {"name": one.title, "deleted": one.is_deleted, "own": asdict(one.own), "shared": asdict(one.shared)}
            for one in usage.holders
        ],
    }


def _usage(usage: Usage, ready: Amount, waiting: Amount, width: int) -> RenderableType:
    kinds = [Row((Text(word), *_columns(amount))) for word, amount in usage.kinds]
    holders = [Row((Text(_title(one)), *_columns(one.own), cell(_size_or_none(one.shared)))) for one in usage.holders]
    parts: list[RenderableType] = [
        aligned(("KIND", "OBJECTS", "SIZE"), [*kinds, Row((Text("all of it", "bold"), *_columns(usage.total)))], width)
    ]
    if holders:
        parts += [Text(), aligned(("WHO HOLDS IT", "OBJECTS", "ALONE", "SHARED"), holders, width)]
        parts.append(Text(f"{_told(usage.shared)} held by several, and counted once in all of it.", "dim"))
    parts += [Text(), Text(_promise(ready, waiting))]
    return Group(*parts)


def _promise(ready: Amount, waiting: Amount) -> str:
    if not ready.objects and not waiting.objects:
        return "A sweep would free nothing."
    later = f"; {_told(waiting)} must be seen to be nobody's twice, a grace period apart" if waiting.objects else ""
    return f"A sweep would free {_told(ready)} now{later}."


def swept(ready: Sequence[Condemned], waiting: Sequence[Condemned], done: str) -> Answer:
    """What a sweep drops, or would drop, by reason; `done` is one sentence on what became of it."""
    reasons = [why for why in Why if any(one.why is why for one in (*ready, *waiting))]
    table = [(why, _sum(ready, why), _sum(waiting, why)) for why in reasons]
    return Answer(
        people=lambda width, _wide: _sweep(table, done, width),
        rows=(SWEPT, *((why.value, *_cells(now), *_cells(later)) for why, now, later in table)),
        data={
            "done": done,
            "reasons": [
                {"reason": why.value, "now": asdict(now), "waiting": asdict(later)} for why, now, later in table
            ],
            "keys": [asdict(one) for one in ready],
        },
        names=[one.key for one in ready],
    )


def _sweep(table: Sequence[tuple[Why, Amount, Amount]], done: str, width: int) -> RenderableType:
    if not table:
        return Text(done)
    rows = [Row((Text(why.value), *_columns(now), cell(_size_or_none(later)))) for why, now, later in table]
    return Group(aligned(("WHY IT MAY GO", "OBJECTS", "SIZE", "WAITS"), rows, width), Text(), Text(done))


def amount(condemned: Sequence[Condemned]) -> Amount:
    """So many, of so many bytes together."""
    return Amount(len(condemned), sum(one.size for one in condemned))


def told(condemned: Sequence[Condemned]) -> str:
    """`12 objects (3.4 MB)`."""
    return _told(amount(condemned))


def _told(one: Amount) -> str:
    return f"{marks.plural(one.objects, 'object')} ({size(one.size)})"


def _sum(condemned: Sequence[Condemned], why: Why) -> Amount:
    return amount([one for one in condemned if one.why is why])


def _title(one: Holder) -> str:
    return f"{one.title} (deleted)" if one.is_deleted else one.title


def _cells(one: Amount) -> tuple[str, str]:
    return str(one.objects), str(one.size)


def _columns(one: Amount) -> tuple[Text, Text]:
    return Text(f"{one.objects:,}", justify="right"), Text(size(one.size), justify="right")


def _size_or_none(one: Amount) -> str:
    return size(one.size) if one.objects else ""
