"""`brandfarm rollback`: back to the version that was approved before."""

from __future__ import annotations

import click

from cli import judging, options
from cli.farm import Farm
from cli.output import Output
from cli.views import served

EXAMPLES = """
brandfarm rollback stable-socks
brandfarm rollback stable-socks --to v2
"""


@options.verb("rollback", examples=EXAMPLES)
@click.argument("project")
@click.option("--to", metavar="VERSION", help="This one rather than the one approved before.")
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, project: str, to: str | None) -> None:
    """Go back to the version that was approved before.

    It pins that version in spec.serve; the next campaign follows. `promote PROJECT approved` takes the pin away.
    """
    out.show(served.answer(project, judging.rollback(farm, namespace, project, to)))
