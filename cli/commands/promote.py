"""`brandfarm promote`: pins the version that campaigns get."""

from __future__ import annotations

import click

from cli import judging, options
from cli.farm import Farm
from cli.output import Output
from cli.views import served

EXAMPLES = """
brandfarm promote stable-socks v3
brandfarm promote stable-socks approved    # the newest approved one again
"""


@options.verb("promote", examples=EXAMPLES)
@click.argument("project")
@click.argument("version")
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, project: str, version: str) -> None:
    """Pin the version that campaigns get.

    It edits spec.serve. Campaigns that have started keep the version they began with.
    """
    out.show(served.answer(project, judging.promote(farm, namespace, project, version)))
