"""`brandfarm approve`: a person's yes to a version."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import judging, options, surroundings
from cli.farm import Farm
from cli.output import Output
from cli.views import deeds

EXAMPLES = """
brandfarm approve stable-socks
brandfarm approve stable-socks v3 --note "the heel is right now"
"""


@options.verb("approve", examples=EXAMPLES)
@click.argument("project")
@click.argument("version", required=False)
@click.option("--note", default="", help="In your own words.")
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, project: str, version: str | None, note: str) -> None:
    """Say that a version may serve.

    Without a VERSION it is the newest trained one. Each person counts once, by what they said last.
    """
    by = farm.person() or surroundings.current().user()
    said = judging.approve(farm, namespace, project, version, by=by, note=note)
    did = f"approved by {by}" if said.review else f"was approved by {by} before"
    document = said.review or farms.find(farm, "BrandProject", namespace, project)
    out.show(deeds.answer([deeds.Deed(f"{project} {said.version}", did, said.follows, document)]))
