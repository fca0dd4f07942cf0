"""Every verb of the command line: its one sentence, the group it is listed in, and how its module is found when it is needed.

Imports no verb by itself, so that `brandfarm --help` starts in a quarter of a second.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click
import rich_click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LOOK = rich_click.RichHelpConfiguration(
    theme="default-slim",
    text_markup="rich",
    show_arguments=True,
    style_option_default="dim",
    max_width=100,
    text_emojis=False,
)


SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class Verb(rich_click.RichCommand):
    """A verb whose epilog is examples, shown line by line as they are typed."""

    def format_epilog(self, ctx: click.Context, formatter: Any) -> None:
        """Writes the examples under the options."""
        _write_examples(self.epilog, formatter)


class Lazy(rich_click.RichCommand):
    """A verb that is known by its sentence; its module is imported when it is invoked or its own help is asked for."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the verb itself, which takes this one's place; a shell that completes gets along without its module."""
        assert self.name is not None
        if extra.get("resilient_parsing"):
            return _Words(self.name).make_context(info_name, args, parent=parent, **extra)
        return load(self.name).make_context(info_name, args, parent=parent, **extra)


class _Words(click.Command):
    """A verb as a shell that completes it meets it: its words, unread."""

    def __init__(self, name: str) -> None:
        unread = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
        super().__init__(name, add_help_option=False, context_settings=unread)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Names from the farm's home at once; the verb itself is asked where options are about, which takes a second."""
        from cli import completing

        assert self.name is not None
        words = list(ctx.args)
        verb = words.pop(0) if words and self.name in completing.GROUPS else self.name
        if verb in completing.OFFERS and not any(word.startswith("-") for word in (*words, incomplete)):
            return completing.offered(verb, words, incomplete)
        return completing.of_verb(load(self.name), ctx.args, incomplete)


class Group(rich_click.RichGroup):
    """Verbs in the order in which they are written down, with a guess at a mistyped one."""

    def format_epilog(self, ctx: click.Context, formatter: Any) -> None:
        """Writes the examples under the options."""
        _write_examples(self.epilog, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs' names, as they were written down."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that is meant. Raises UsageError with the nearest one where there is none."""
        is_unknown = bool(args) and args[0] not in self.commands and not args[0].startswith("-")
        if is_unknown and not ctx.resilient_parsing:
            _refuse(ctx, args[0], self.commands)
        return super().resolve_command(ctx, args)


def _write_examples(examples: str | None, formatter: Any) -> None:
    from rich.text import Text  # rich is loaded by then, and only then

    if examples:
        text = Text("Examples:\n", style="bold")
        text.append("".join(f"  {line}\n" for line in examples.strip().splitlines()), style="not bold")
        formatter.write(text)


def _refuse(ctx: click.Context, word: str, known: Mapping[str, Any]) -> NoReturn:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise click.UsageError(f"There is no verb {word!r}.{guess}", ctx)


def load(name: str) -> click.Command:
    """The command of a verb, from the module of its name."""
    module = importlib.import_module(f"cli.commands.{name.replace('-', '_')}")
    command = module.command
    assert isinstance(command, click.Command)
    return command


def lazily(listed: Mapping[str, Sequence[tuple[str, str]]]) -> list[click.Command]:
    """A stand-in for each verb: panels hold (name, sentence)."""
    return [
        Lazy(name=name, help=sentence, panel=panel, add_help_option=False)
        for panel, verbs in listed.items()
        for name, sentence in verbs
    ]
