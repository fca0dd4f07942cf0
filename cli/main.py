"""The door of `brandfarm`: which verbs there are, and that every failure leaves as a sentence, a next step and an exit code.

Knows no verb's inside; torch, ray, pydantic and the rest are imported by the verbs that need them.
"""

from __future__ import annotations

import io
import sys
from typing import Any, NoReturn

import click
import rich_click

from cli import problems, verbs

VERBS = {
    "The farm": (
        ("up", "Start the farm on this machine and leave it running."),
        ("down", "Stop the farm; what it has made stays."),
        ("doctor", "Look at this machine and this farm: what is there, what is wrong, what to do next."),
        ("completion", "Make a shell complete verbs, options, and the names of brands, campaigns, versions and bases."),
        ("demo", "Two brands, from manifests to a judged contact sheet and a campaign."),
        ("store", "Prove the store, count what lies in it, and drop what nobody names."),
    ),
    "Foundation models": (("base", "Add foundation models to the farm's catalogue, and list them."),),
    "What is wanted": (
        ("init", "Look at a folder of pictures and write a brand's first manifest."),
        ("plan", "Say what manifests would train and draw, and change nothing."),
        ("apply", "Hand manifests to the farm; local pictures are uploaded."),
        ("delete", "Withdraw manifests and the work that they ask for."),
        ("cancel", "End work that waits or is under way, until it is retried."),
        ("retry", "Try again what failed or was cancelled."),
    ),
    "How it stands": (
        ("status", "Show what the night came to, what needs you, and how everything stands."),
        ("why", "Say in plain sentences why a brand or a campaign stands where it does."),
        ("versions", "Show a brand's versions, and what changed from one to the next."),
        ("get", "Show manifests as they are kept."),
        ("wait", "Wait until a brand is ready or a campaign complete."),
        ("logs", "Show what a training or a campaign told on its way."),
    ),
    "The lead's word": (
        ("sheet", "Write a contact sheet: a folder that opens in a browser."),
        ("approve", "Say that a version may serve."),
        ("critique", "Say what is wrong with a version, so that the next one is better."),
        ("promote", "Pin the version that campaigns get."),
        ("rollback", "Go back to the version that was approved before."),
    ),
    "Pictures": (
        ("campaign", "List campaigns, pull their pictures, draw again what failed."),
        ("lineage", "Show what made an image, or all that a photograph has gone into."),
    ),
    "Leaving": (("export", "Write a version as files that other tools load, each proven."),),
}


class Brandfarm(verbs.Group):
    """The root of all verbs."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a verb and leave the process with its exit code; nothing is raised past here."""
        extra["standalone_mode"] = False
        sys.exit(problems.exit_code_of(lambda: super(Brandfarm, self).main(*args, **extra)))


def _tell_version(ctx: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib import metadata  # a tenth of the whole start, for this one option

    click.echo(f"brandfarm {metadata.version('brandfarm')}")
    ctx.exit()


@rich_click.group(cls=Brandfarm, context_settings=verbs.SETTINGS)
@rich_click.rich_config(help_config=verbs.LOOK)
@rich_click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_tell_version, help="Show the version."
)
def brandfarm() -> None:
    """Train and run brand image models on one farm.

    A studio writes manifests; the farm trains, shows a contact sheet, takes the lead's word, and fills the night with pictures.
    """


for stand_in in verbs.lazily(VERBS):
    brandfarm.add_command(stand_in)


def main() -> NoReturn:
    """The console script. A terminal that cannot show a sign gets a question mark for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    brandfarm.main(prog_name="brandfarm")
