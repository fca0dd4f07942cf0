"""`brandfarm completion`: what makes a shell complete verbs, options and the names of brands, campaigns and versions."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from cli import options, problems
from cli.output import Output

EXAMPLES = """
brandfarm completion bash --install
brandfarm completion zsh > ~/.zfunc/_brandfarm
brandfarm completion fish | source
"""

VARIABLE = "_BRANDFARM_COMPLETE"
NEXT = {
    "bash": "New shells have it where bash-completion is installed; elsewhere add to ~/.bashrc: source {place}",
    "zsh": "Add to ~/.zshrc, before compinit, if it is not there: fpath=({folder} $fpath)",
    "fish": "New shells have it.",
}


@options.verb("completion", examples=EXAMPLES)
@click.argument("shell", type=click.Choice(sorted(NEXT)))
@click.option("--install", is_flag=True, help="Write it where the shell looks for it, rather than show it.")
def command(shell: str, install: bool) -> int:
    """Make a shell complete verbs, options, and the names of brands, campaigns, versions and bases.

    Shows the shell's script, which asks brandfarm again at every key press; where there is no farm it offers verbs and options.
    """
    out = Output()
    script = _script(shell)
    if not install:
        out.lines(script.splitlines())
        return problems.Exit.OK
    place = _place(shell)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(script, encoding="utf-8")
    out.say(f"Written: {place}. {NEXT[shell].format(place=place, folder=place.parent)}")
    return problems.Exit.OK


def _script(shell: str) -> str:
    root = click.get_current_context().find_root()
    kind = get_completion_class(shell)
    assert kind is not None, f"click knows no {shell}"
    return kind(root.command, {}, "brandfarm", VARIABLE).source()


def _place(shell: str) -> Path:
    """Where a shell looks for what a person has installed for themselves."""
    folders = {
        "bash": _folder("XDG_DATA_HOME", ".local/share") / "bash-completion" / "completions" / "brandfarm",
        "zsh": Path.home() / ".zfunc" / "_brandfarm",
        "fish": _folder("XDG_CONFIG_HOME", ".config") / "fish" / "completions" / "brandfarm.fish",
    }
    return folders[shell]


def _folder(variable: str, below_home: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else Path.home() / below_home
