"""Small marks that views share: progress bars, phases, ages. Pure; every mark says in words or shape what its colour says."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

BAR = 12
"""Characters of a bar."""

_GOOD = {"Ready", "Complete", "approved", "approve", "created", "Scheduled"}
_MOVING = {
    "Training",
    "Intake",
    "Sampling",
    "Drawing",
    "Progressing",
    "Generating",
    "training",
    "configured",
    "Running",
}
_ASKING = {"AwaitingApproval", "Waiting", "Pending", "trained", "revise", "Suspended", "Ended"}
_BAD = {"Failed", "Degraded", "Stopped", "Cancelled", "cancelled", "failed", "rejected", "reject"}


def style_of(word: str) -> str:
    """The colour of a phase or state; none for a word that is not known."""
    for words, style in ((_GOOD, "green"), (_MOVING, "cyan"), (_ASKING, "yellow"), (_BAD, "red")):
        if word in words:
            return style
    return ""


def phase(word: str | None) -> Text:
    """A phase or state in its colour."""
    return Text(word, style_of(word)) if word else Text("-", "dim")


def bar(progress: str | None) -> Text:
    """`120/300` as a bar with its numbers; a dash where nothing is counted."""
    counted = counts(progress)
    if counted is None:
        return Text(progress) if progress else Text("-", "dim")
    done, total = counted
    filled = min(BAR, BAR * done // total) if total else 0
    text = Text("━" * filled, "green" if done >= total else "cyan")
    text.append("─" * (BAR - filled), "dim")
    return text.append(f" {done}/{total}", "")


def counts(progress: str | None) -> tuple[int, int] | None:
    """(done, total) of `120/300`, or None where it says something else."""
    done, slash, total = (progress or "").partition("/")
    if not slash or not done.isdigit() or not total.isdigit():
        return None
    return int(done), int(total)


def plural(count: int, noun: str) -> str:
    """`1 brand`, `2 brands`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def span(seconds: float) -> str:
    """Seconds as people say them: `42 s`, `3 min`, `1 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def when(seconds: float) -> str:
    """A moment, in seconds since 1970, as this machine's clock shows it: `Fri 21 Nov 18:04`."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%a %d %b %H:%M")


def short(address: str) -> str:
    """An upload's address with the first digits of its digest; any other as it is."""
    scheme, sign, digest = address.partition("upload://")
    return f"{scheme}{sign}{digest[:12]}" if sign else address
