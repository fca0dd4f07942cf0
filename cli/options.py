"""The options that verbs share: which farm, which namespace, which form of answer, and how examples are shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import rich_click

from cli import completing, surroundings, verbs
from cli.output import Format, Output
from cluster import farm_home

Verb = Callable[..., Any]
Decorated = TypeVar("Decorated", bound=Verb)


def verb(name: str, *, examples: str) -> Callable[[Verb], click.Command]:
    """A command with the look of all, and its examples under its help."""

    def made(function: Verb) -> click.Command:
        configured = rich_click.rich_config(help_config=verbs.LOOK)(function)
        command = rich_click.command(name, cls=verbs.Verb, epilog=examples, context_settings=verbs.SETTINGS)(configured)
        completing.teach(command, name)
        return command

    return made


def group(name: str, *, examples: str) -> Callable[[Verb], Any]:
    """A command that has verbs of its own."""

    def made(function: Verb) -> Any:
        configured = rich_click.rich_config(help_config=verbs.LOOK)(function)
        return rich_click.group(name, cls=verbs.Group, epilog=examples, context_settings=verbs.SETTINGS)(configured)

    return made


def home_option(function: Decorated) -> Decorated:
    """--home; the verb gets `home`, the farm's folder."""
    return rich_click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        default=farm_home.default_home,
        show_default=False,
        help="The farm's folder. Left out: BRANDFARM_HOME, or ~/.local/share/brandfarm.",
    )(function)


def farm(function: Verb) -> Verb:
    """--home; the verb gets `farm`, opened but not started."""

    @functools.wraps(function)
    def with_farm(*args: Any, home: Path, **given: Any) -> Any:
        return function(*args, farm=surroundings.current().open_farm(home), **given)

    return home_option(with_farm)


def optional_namespace(left_out: str) -> Callable[[Decorated], Decorated]:
    """-n where it may be left out, which means what the words say; the verb gets `namespace`, or None."""
    return rich_click.option(
        "-n",
        "--namespace",
        envvar="BRANDFARM_NAMESPACE",
        help=f"The studio whose manifests are meant. Left out: {left_out}.",
    )


namespace = optional_namespace("the one that has it")
"""-n for verbs that name a manifest; the verb gets `namespace`, or None."""


def output(function: Verb) -> Verb:
    """-o; the verb gets `out`."""

    @functools.wraps(function)
    def with_output(*args: Any, form: str | None, **given: Any) -> Any:
        return function(*args, out=Output(Format(form) if form else None), **given)

    return rich_click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice([one.value for one in Format]),
        help="The form of the answer. Left out: a table in a terminal, tsv in a pipe.",
    )(with_output)
