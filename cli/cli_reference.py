"""The reference of the command line, written from the commands: `python -m cli.cli_reference` rewrites docs/reference/cli.md."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from cli import main as root
from cli import verbs
from cli.problems import Exit

PLACE = Path("docs/reference/cli.md")

_OPENING = """\
# The command line

Every verb of `brandfarm`, written from the commands by `python -m cli.cli_reference`; a test compares this page with them.

Data goes to stdout and talk to stderr. `-o` chooses the form of an answer: a table for people, `wide`, `tsv`, `json`, `yaml`, or
`name`; in a pipe it is TSV. `brandfarm VERB --help` shows the same as this page, and `brandfarm completion` teaches it to a shell.
"""
_MEANINGS: Mapping[Exit, str] = {
    Exit.OK: "It is done.",
    Exit.FAILED: "It failed; stderr says why and what to do next.",
    Exit.USAGE: "The words on the command line, or a manifest, make no sense.",
    Exit.NOT_FOUND: "There is no such brand, campaign, version or job.",
    Exit.TIMEOUT: "What was waited for did not come in time.",
    Exit.NOT_APPROVED: "Nobody has approved the version that this needs.",
    Exit.DETACHED: "Ctrl-C: this command left, the farm goes on.",
}
_KINDS = {
    "text": "text",
    "integer": "a whole number",
    "float": "a number",
    "directory": "a folder",
    "file": "a file",
    "path": "a path",
    "span": "a span of time, such as `7d`",
}
_HEAD = "| Option | Takes | Default | Meaning |\n|---|---|---|---|\n"


def reference() -> str:
    """The whole page, as markdown."""
    parts = [_OPENING, _contents(), _codes()]
    for panel, listed in root.VERBS.items():
        parts.append(f"## {panel}\n")
        parts += [section for name, _ in listed for section in _sections(verbs.load(name), (name,))]
    return "\n".join(parts)


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb and every verb below one, with the words that call it."""
    for name in root.brandfarm.commands:
        yield from _below(verbs.load(name), (name,))


def main(arguments: list[str]) -> None:
    """Write the page to the place that is named, or to its own in the repository."""
    place = Path(arguments[0]) if arguments else PLACE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(reference(), encoding="utf-8")


def _below(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from _below(one, (*words, name))


def _contents() -> str:
    rows = "".join(
        f"| [`{' '.join(words)}`](#brandfarm-{'-'.join(words)}) | {_cell(_paragraphs(command)[0])} |\n"
        for words, command in commands()
    )
    return f"| Verb | What it does |\n|---|---|\n{rows}"


def _codes() -> str:
    rows = "".join(f"| {code.value} | {meaning} |\n" for code, meaning in _MEANINGS.items())
    return f"## Exit codes\n\n| Code | Meaning |\n|---|---|\n{rows}"


def _sections(command: click.Command, words: tuple[str, ...]) -> Iterator[str]:
    for path, one in _below(command, words):
        yield _section(one, path)


def _section(command: click.Command, words: tuple[str, ...]) -> str:
    title = " ".join(("brandfarm", *words))
    parts = [f"### {title}\n", *(f"{text}\n" for text in _paragraphs(command))]
    parts.append(f"```text\n{title} {' '.join(_usage(command))}\n```\n")
    if isinstance(command, click.Group):
        names = ", ".join(f"`{name}`" for name in command.commands)
        parts.append(f"Its verbs: {names}.\n")
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        parts.append(_HEAD + "".join(map(_row, options)))
    examples = (command.epilog or "").strip()
    if examples and not isinstance(command, click.Group):
        parts.append(f"Examples:\n\n```sh\n{examples}\n```\n")
    return "\n".join(parts)


def _paragraphs(command: click.Command) -> list[str]:
    """A verb's words, a line to a paragraph."""
    return [" ".join(text.split()) for text in re.split(r"\n\s*\n", (command.help or "").strip())]


def _usage(command: click.Command) -> Sequence[str]:
    """The words of a verb's own usage line; without the program's name, which differs by how this is started."""
    return command.collect_usage_pieces(click.Context(command))


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return f"| {names} | {_cell(_takes(option))} | {_default(option)} | {_cell(option.help or '')} |\n"


def _takes(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    taken = f"`{option.metavar}`" if option.metavar else _kind(option.type)
    return f"{taken}, repeatable" if option.multiple else taken


def _kind(taken: click.ParamType[Any]) -> str:
    """What may be written for an option, in words."""
    match taken:
        case click.Choice():
            return ", ".join(f"`{one}`" for one in taken.choices)
        case click.IntRange() | click.FloatRange():
            bounds = [
                f"from {taken.min}" if taken.min is not None else "",
                f"to {taken.max}" if taken.max is not None else "",
            ]
            return " ".join(["a number", *filter(None, bounds)])
        case _:
            return _KINDS.get(taken.name, taken.name)


def _default(option: click.Option) -> str:
    if option.required:
        return "*required*"
    if option.is_flag or callable(option.default) or not isinstance(option.default, str | int | float | Path):
        return ""
    return f"`{option.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main(sys.argv[1:])
