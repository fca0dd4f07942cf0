"""The options that verbs share: which farm, which namespace, which form of answer, and how examples are shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import rich_click
from click.core import ParameterSource

from cli import completing, surroundings, verbs
from cli.farm import Farm
from cli.output import Format, Output
from cluster import farm_home

Verb = Callable[..., Any]
Decorated = TypeVar("Decorated", bound=Verb)

CONTEXT = "BRANDFARM_CONTEXT"
EVERYWHERE = "everywhere"


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


@dataclass(frozen=True)
class Where:
    """Which farm is meant: that of a folder, or where a context is named, that of a cluster."""

    home: Path
    context: str
    farm_namespace: str

    def open(self) -> Farm:
        """The farm, not started."""
        world = surroundings.current()
        return world.open_cluster(self.context, self.farm_namespace) if self.context else world.open_farm(self.home)


def whereabouts(function: Verb) -> Verb:
    """--home, --context, --farm-namespace; the verb gets `where`. Raises UsageError where both a folder and a context are named."""

    @functools.wraps(function)
    def with_where(*args: Any, home: Path, context: str | None, farm_namespace: str, **given: Any) -> Any:
        return function(*args, where=Where(home, _context(context), farm_namespace), **given)

    return home_option(_context_options(with_where))


def _context_options(function: Decorated) -> Decorated:
    context = rich_click.option(
        "--context",
        envvar=CONTEXT,
        help=f"The farm on Kubernetes that this context of your kubeconfig leads to. Left out: {CONTEXT}, or this machine's.",
    )
    namespace = rich_click.option(
        "--farm-namespace", metavar="NAMESPACE[/NAME]", envvar="BRANDFARM_FARM_NAMESPACE", default="", show_default=False,
        help="With --context: where the chart was installed. Left out: BRANDFARM_FARM_NAMESPACE, or the only one there is.",
    )  # fmt: skip
    return context(namespace(function))


def _context(said: str | None) -> str:
    """The context that is meant: what stands on the command line counts before the environment, so --home may overrule it."""
    asked = click.get_current_context()
    if not said or asked.get_parameter_source("home") is not ParameterSource.COMMANDLINE:
        return said or ""
    if asked.get_parameter_source("context") is ParameterSource.COMMANDLINE:
        raise click.UsageError("Say either --home, a farm on this machine, or --context, one on Kubernetes.")
    return ""


def farm(function: Verb) -> Verb:
    """--home, --context; the verb gets `farm`, opened but not started. Where -A may be said, `namespace` is what is left of both."""

    @functools.wraps(function)
    def with_farm(*args: Any, where: Where, **given: Any) -> Any:
        opened = where.open()
        if EVERYWHERE in given:
            is_everywhere = given.pop(EVERYWHERE)
            given["namespace"] = None if is_everywhere else given["namespace"] or opened.usual_namespace
        return function(*args, farm=opened, **given)

    return whereabouts(with_farm)


def only_here(function: Verb) -> Verb:
    """For what starts and stops processes of this machine. Raises UsageError where a context is named."""

    @functools.wraps(function)
    def here(*args: Any, context: str | None, **given: Any) -> Any:
        _require_this_machine(context)
        return function(*args, **given)

    return rich_click.option("--context", envvar=CONTEXT, hidden=True)(here)


def _require_this_machine(context: str | None) -> None:
    """A context that merely stands in the environment does not count where a folder is named, as the demo always does."""
    asked = click.get_current_context()
    names_folder = asked.get_parameter_source("home") in (None, ParameterSource.COMMANDLINE)
    if context and not (names_folder and asked.get_parameter_source("context") is ParameterSource.ENVIRONMENT):
        raise click.UsageError(
            f"`{asked.command_path}` is of this machine only, and the context {context} is named. A farm on Kubernetes is started, changed "
            f"and taken away with its chart: `helm upgrade --install brandfarm ...`. For a farm here, say --home or unset {CONTEXT}."
        )


def optional_namespace(left_out: str) -> Callable[[Decorated], Decorated]:
    """-n where it may be left out, which means what the words say; the verb gets `namespace`, or None."""
    return rich_click.option(
        "-n",
        "--namespace",
        envvar="BRANDFARM_NAMESPACE",
        help=f"The studio whose manifests are meant. Left out: {left_out}.",
    )


def searched_namespace(left_out: str) -> Callable[[Decorated], Decorated]:
    """-n and -A for verbs that look for manifests; with a context, the context's own where neither is said."""
    everywhere = rich_click.option("-A", "--all-namespaces", EVERYWHERE, is_flag=True, help="Look in every namespace.")
    named = optional_namespace(f"{left_out}; with --context, the context's own")
    return lambda function: named(everywhere(function))


namespace = searched_namespace("the one that has it")
"""-n and -A for verbs that name a manifest; the verb gets `namespace`, or None."""


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
