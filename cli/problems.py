"""What became of a verb, as an exit code, and of an error: a sentence and the next step on stderr. Data never comes from here."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import click

from jobs import errors


class Exit(IntEnum):
    """What scripts read."""

    OK = 0
    FAILED = 1
    USAGE = 2  # the words on the command line, or a manifest
    NOT_FOUND = 3
    TIMEOUT = 5
    NOT_APPROVED = 7
    DETACHED = 130  # Ctrl-C; the farm goes on


CODES: tuple[tuple[type[errors.FarmError], Exit], ...] = (
    (errors.ManifestInvalid, Exit.USAGE),
    (errors.RecipeInvalid, Exit.USAGE),
    (errors.BaseUnknown, Exit.USAGE),
    (errors.BaseRefused, Exit.USAGE),
    (errors.LicenceForbids, Exit.USAGE),
    (errors.SourceUnreadable, Exit.USAGE),
    (errors.DatasetInvalid, Exit.USAGE),
    (errors.StoreAddressInvalid, Exit.USAGE),
    (errors.NotFound, Exit.NOT_FOUND),
    (errors.Timeout, Exit.TIMEOUT),
    (errors.NotApproved, Exit.NOT_APPROVED),
)
"""The first class that fits decides; every other error is a failure."""

INDENT = " " * len("Error: ")
DEBUG = "BRANDFARM_DEBUG"


class Problem(NamedTuple):
    """An error as a person meets it."""

    sentence: str
    hint: str
    code: Exit


def problem_of(error: errors.FarmError) -> Problem:
    """The sentence, next step and exit code of an error of the farm."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), Exit.FAILED)
    return Problem(error.message, error.hint, code)


def exit_code_of(verb: Callable[[], object]) -> int:
    """Runs a verb and says on stderr what went wrong, if anything did; a verb returns its code, or nothing for 0."""
    try:
        code = verb()
        sys.stdout.flush()
        return code if isinstance(code, int) else Exit.OK
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except errors.FarmError as error:
        return tell(problem_of(error))
    except (KeyboardInterrupt, click.Abort):
        _say("\nDetached: the farm goes on with what it has been given.")
        return Exit.DETACHED
    except BrokenPipeError:
        _let_go_of_stdout()
        return Exit.OK
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):
            return Exit.OK  # click saw the same, and has let go of stdout
        raise
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        return tell(_unforeseen(error))


def tell(problem: Problem) -> Exit:
    """Says a problem on stderr and gives back its code."""
    _say(_wrapped(f"Error: {problem.sentence}"))
    if problem.hint:
        _say(_wrapped(f"Next:  {problem.hint}"))
    return problem.code


def _wrapped(text: str) -> str:
    """Lines that a terminal does not break within words; elsewhere, where `grep` reads them, they stay whole."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def _unforeseen(error: Exception) -> Problem:
    return Problem(
        f"brandfarm met something that it did not foresee: {type(error).__name__}: {error}",
        f"Run it again with {DEBUG}=1 to see where, and report that.",
        Exit.FAILED,
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


def _let_go_of_stdout() -> None:
    """The reader of a pipe went away, as `head` does; nothing more can be told, and Python must not try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
