"""How an answer leaves: data to stdout in the form that was asked for, talk to stderr. Knows no verb and no farm.

A terminal gets tables, a pipe gets TSV; nothing is ever cut, and nothing is told by colour alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from cli import yaml_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Format(StrEnum):
    """The forms of an answer."""

    TABLE = "table"
    WIDE = "wide"
    TSV = "tsv"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True)
class Answer:
    """One answer in all its forms: for people (width in columns, wide or not), as rows under a heading, as JSON, as names."""

    people: Callable[[int, bool], RenderableType]
    rows: Sequence[Sequence[str]]
    data: Any
    names: Sequence[str] = ()


Tell = Callable[[int, int], None]
"""Told how far something has come: so many of so many."""


class Output:
    """The two streams of a terminal, and the form that was asked for."""

    def __init__(self, form: Format | None = None, *, out: IO[str] | None = None, err: IO[str] | None = None) -> None:
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self.form = form or (Format.TABLE if self._out.isatty() else Format.TSV)

    @property
    def is_for_people(self) -> bool:
        """Whether the answer is a table rather than data."""
        return self.form in (Format.TABLE, Format.WIDE)

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees stdout as it is written."""
        return self._out.isatty()

    @property
    def is_watched(self) -> bool:
        """Whether a person sees stderr as it is written."""
        return self._err.isatty()

    @cached_property
    def console(self) -> Console:
        """The console on stdout."""
        return _console(self._out)

    @cached_property
    def talk_console(self) -> Console:
        """The console on stderr."""
        return _console(self._err)

    def show(self, answer: Answer) -> None:
        """Writes an answer to stdout in the form that was asked for."""
        if self.is_for_people:
            width = self.console.width
            self.console.print(answer.people(width, self.form is Format.WIDE), soft_wrap=False)
        else:
            self._out.write(_written(answer, self.form))

    def lines(self, texts: Sequence[str]) -> None:
        """Writes plain lines to stdout, as they are."""
        self._out.writelines(text + "\n" for text in texts)
        self.flush()

    def flush(self) -> None:
        """Lets a reader at the other end of a pipe see what was written."""
        self._out.flush()

    def say(self, text: str) -> None:
        """Says something to a person, on stderr."""
        self.talk_console.print(text, markup=False, highlight=False, soft_wrap=not self.is_watched)

    def warn(self, text: str) -> None:
        """Says something that a person should look at, on stderr."""
        self.say(f"Warning: {text}")

    @contextmanager
    def progress(self, what: str) -> Iterator[Tell]:
        """A bar on stderr while something goes on; without a terminal nothing is drawn."""
        if not self.is_watched:
            yield _tell_nobody
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.talk_console, transient=True) as bars:
            bar = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(bar, completed=done, total=total)

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """A spinner on stderr while something is waited for, whose words may change; a line a change without a terminal."""
        if not self.is_watched:
            yield _Changes(self.say, what)
            return
        with self.talk_console.status(what) as status:
            yield lambda words: status.update(words)


class _Changes:
    """Says words only when they differ from the last ones."""

    def __init__(self, say: Callable[[str], None], first: str) -> None:
        self._say, self._last = say, first
        say(first)

    def __call__(self, words: str) -> None:
        if words != self._last:
            self._last = words
            self._say(words)


def _tell_nobody(_done: int, _total: int) -> None:
    """Where nobody sees stderr, a bar would only fill a log."""


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _written(answer: Answer, form: Format) -> str:
    match form:
        case Format.JSON:
            return json.dumps(answer.data, indent=2, ensure_ascii=False) + "\n"
        case Format.YAML:
            return yaml_text.written(answer.data)
        case Format.NAME:
            return "".join(name + "\n" for name in answer.names)
        case _:
            return "".join("\t".join(_cell(value) for value in row) + "\n" for row in answer.rows)


def _cell(value: str) -> str:
    """A value in one cell of TSV: tabs and line ends become spaces, nothing else changes."""
    return " ".join(value.replace("\t", " ").splitlines())
