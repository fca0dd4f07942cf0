"""`brandfarm get`: manifests as they are kept."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import options, targets
from cli.farm import Farm
from cli.output import Output
from cli.views import kept

EXAMPLES = """
brandfarm get reviews
brandfarm get brandproject stable-socks -o yaml
brandfarm get campaigns -n studio-a -o name
"""


@options.verb("get", examples=EXAMPLES)
@click.argument("kind")
@click.argument("name", required=False)
@options.searched_namespace("all of them")
@options.output
@options.farm
def command(farm: Farm, out: Output, kind: str, name: str | None, namespace: str | None) -> None:
    """Show manifests as they are kept.

    KIND is brandproject, campaign or review; without a NAME all of them are shown.
    """
    wanted = targets.kind_of(kind)
    if name is None:
        farms.require_kept(farm)
        out.show(kept.answer(farm.documents(wanted, namespace)))
    else:
        out.show(kept.answer([farms.find(farm, wanted, namespace, name)], is_one=True))
