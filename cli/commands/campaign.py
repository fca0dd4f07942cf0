"""`brandfarm campaign`: lists campaigns and pulls their pictures."""

from __future__ import annotations

from pathlib import Path

import click

from cli import farm as farms
from cli import options, problems, pulling
from cli.commands import retry
from cli.farm import Farm
from cli.output import Output
from cli.views import deeds, pulled, status
from jobs.errors import ManifestInvalid

LIST_EXAMPLES = """
brandfarm campaign list
brandfarm campaign list -n studio-a -o tsv
"""

PULL_EXAMPLES = """
brandfarm campaign pull spring --to ./spring
brandfarm campaign pull spring --to ./spring --partial
"""


RERUN_EXAMPLES = """
brandfarm campaign rerun spring --failed
"""


@options.group("campaign", examples=LIST_EXAMPLES.rstrip() + PULL_EXAMPLES.rstrip() + RERUN_EXAMPLES)
def command() -> None:
    """List campaigns, pull their pictures, draw again what failed."""


@options.verb("list", examples=LIST_EXAMPLES)
@options.searched_namespace("all of them")
@options.output
@options.farm
def listing(farm: Farm, out: Output, namespace: str | None) -> None:
    """Show campaigns with how many of their shots stand."""
    farms.require_kept(farm)
    found = farms.campaigns(farm, namespace)
    out.show(status.campaigns_answer(found))
    if not found:
        out.say("There are no campaigns: `brandfarm apply -f campaign.yaml`.")


@options.verb("pull", examples=PULL_EXAMPLES)
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to fill.")
@click.option("--partial", is_flag=True, help="Be content with the images that stand by now.")
@options.namespace
@options.output
@options.farm
def pull(farm: Farm, out: Output, namespace: str | None, name: str, to: Path, partial: bool) -> int:
    """Fetch a campaign's images under names that people can read.

    Every byte is verified; begun again after a break, it fetches only what is missing. manifest.json and manifest.csv beside the
    images say what each one is, and contact.html shows them.
    """
    try:
        with out.progress(f"Pulling {name}") as tell:
            found = pulling.pull(farm, namespace, name, to, tell)
    except KeyboardInterrupt:
        out.say(f"Broken off: whole images are in {to}. The same command again fetches only what is missing.")
        return problems.Exit.DETACHED
    out.show(pulled.answer(found))
    missing = pulled.missing(found.images)
    if not missing or partial:
        return problems.Exit.OK
    hint = f"`brandfarm wait campaign/{name}`, then pull again; or be content with --partial."
    return problems.tell(problems.Problem(f"{missing}.", hint, problems.Exit.FAILED))


@options.verb("rerun", examples=RERUN_EXAMPLES)
@click.argument("name")
@click.option("--failed", is_flag=True, help="What failed or was cancelled; without it nothing would be drawn.")
@options.namespace
@options.output
@options.farm
def rerun(farm: Farm, out: Output, namespace: str | None, name: str, failed: bool) -> None:
    """Draw a campaign's failed shots again, and nothing else.

    An image is created once by its recipe: those that stand are found, cost nothing and are never replaced.
    """
    if not failed:
        raise ManifestInvalid(
            f"Running {name} again would draw nothing: an image is made once by its recipe, and the same recipe is that image.",
            hint=f"`brandfarm campaign rerun {name} --failed` draws what failed; other seeds, in a new campaign, draw others.",
        )
    out.show(deeds.answer([retry.rerun(farm, namespace, name)]))


command.add_command(listing)
command.add_command(pull)
command.add_command(rerun)
