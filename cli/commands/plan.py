"""`brandfarm plan`: what manifests would train and draw."""

from __future__ import annotations

import click

from cli import documents, forecasting, options
from cli.farm import Farm
from cli.output import Output
from cli.views import plan

EXAMPLES = """
brandfarm plan -f brand.yaml
brandfarm plan -f examples/stable-socks -f campaign.yaml -o json
"""


@options.verb("plan", examples=EXAMPLES)
@click.option(
    "-f", "--file", "files", multiple=True, required=True, help="A manifest, a folder of them, or - for stdin."
)
@options.optional_namespace("what each manifest says")
@options.output
@options.farm
def command(farm: Farm, out: Output, files: tuple[str, ...], namespace: str | None) -> None:
    """Say what manifests would train and draw, and change nothing.

    A campaign's shots are the product of its lists; a brand's version is trained only where its declaration is new.
    """
    read = documents.read_manifests(files)
    out.show(plan.answer(list(forecasting.forecast(farm, read, namespace))))
