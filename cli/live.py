"""An answer that is shown again and again: redrawn in a terminal, a line for every change in a pipe."""

from __future__ import annotations

from collections.abc import Callable

from cli.output import Answer, Format, Output


def keep_showing(out: Output, ask: Callable[[], Answer], pause: Callable[[], None]) -> None:
    """Shows what `ask` answers, until `pause` or the person ends it."""
    if out.is_for_people and out.is_terminal:
        _redraw(out, ask, pause)
    else:
        _tell_changes(out, ask, pause)


def _redraw(out: Output, ask: Callable[[], Answer], pause: Callable[[], None]) -> None:
    from rich.live import Live

    with Live(console=out.console, auto_refresh=False, vertical_overflow="visible") as screen:
        while True:
            screen.update(ask().people(out.console.width, out.form is Format.WIDE), refresh=True)
            pause()


def _tell_changes(out: Output, ask: Callable[[], Answer], pause: Callable[[], None]) -> None:
    told: tuple[tuple[str, ...], ...] = ()
    while True:
        answer = ask()
        rows = tuple(tuple(row) for row in answer.rows)
        fresh = [row for row in rows if row not in told]
        if fresh:
            out.show(Answer(answer.people, fresh, answer.data, answer.names))
            out.flush()
        told = rows
        pause()
