"""`brandfarm why`: in plain sentences, why a brand or a campaign stands where it does."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import options, reasons, targets, work
from cli.farm import Farm
from cli.output import Output
from cli.views import why

EXAMPLES = """
brandfarm why stable-socks
brandfarm why stable-socks v3
brandfarm why campaign/spring
"""


@options.verb("why", examples=EXAMPLES)
@click.argument("name", metavar="BRAND|campaign/NAME")
@click.argument("version", required=False)
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, name: str, version: str | None) -> None:
    """Say in plain sentences why a brand or a campaign stands where it does.

    Follows the chain of waiting: a campaign waits for a brand, the brand for a training, the training for a
    place; and says what to do next.
    """
    document = work.find(farm, namespace, targets.parse(name))
    space, chosen = document["metadata"]["namespace"], document["metadata"]["name"]
    if document["kind"] == targets.CAMPAIGN:
        if version is not None:
            raise click.UsageError(f"campaign/{chosen} has no versions: leave {version} out.")
        out.show(why.answer(reasons.of_campaign(farm, farms.campaign(farm, space, chosen))))
        return
    out.show(why.answer(reasons.of_brand(farm, farms.project(farm, space, chosen), version)))
