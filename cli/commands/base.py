"""`brandfarm base`: adds foundation models to the farm's catalogue, and lists them."""

from __future__ import annotations

import click

from cli import bases, options, problems, surroundings
from cli.farm import Farm
from cli.output import Output
from cli.views import bases as views
from cli.views import deeds

ADD_EXAMPLES = """
brandfarm base add ./ink --name ink --licence MIT --commercial
brandfarm base add s3://models/ink --name ink --licence MIT --commercial
brandfarm base add org/ink --revision COMMIT --name ink --licence CC-BY-NC-4.0 --no-commercial
"""

LIST_EXAMPLES = """
brandfarm base list
brandfarm base list -o json
"""

SHOW_EXAMPLES = """
brandfarm base show tiny
brandfarm base show sdxl -o json
"""


@options.group("base", examples=ADD_EXAMPLES.rstrip() + LIST_EXAMPLES.rstrip() + SHOW_EXAMPLES)
def command() -> None:
    """Add foundation models to the farm's catalogue, and list them."""


@options.verb("add", examples=ADD_EXAMPLES)
@click.argument("source")
@click.option("--name", required=True, help="What manifests call it.")
@click.option("--licence", required=True, help="Its licence: an SPDX id, or its name in one line.")
@click.option(
    "--commercial/--no-commercial", default=None, help="Whether that licence allows commercial use. [dim]Needed.[/]"
)
@click.option("--description", default="", help="One line about it.")
@click.option(
    "--family", type=click.Choice(["auto", "sd15", "sdxl"]), default="auto", help="Refuse any other than this one."
)
@click.option("--revision", help="The commit of a hub's model: 40 hex digits.")
@click.option("--variant", default="", help="Which weights to take where there are several, such as fp16.")
@click.option("--replace", is_flag=True, help="Let a name that is taken mean these weights from now on.")
@options.output
@options.farm
def add(
    farm: Farm,
    out: Output,
    source: str,
    name: str,
    licence: str,
    commercial: bool | None,
    description: str,
    family: str,
    revision: str | None,
    variant: str,
    replace: bool,
) -> int:
    """Add a foundation model: a folder in diffusers' format, s3://bucket/folder on the farm's own server, or a hub's org/model.

    Only safetensors, settings and tokenizers are taken, each under its digest. Begun again after a break, only what is missing is
    sent. Versions that were declared keep their weights, whatever --replace says.
    """
    if commercial is None:
        raise click.UsageError(f"Say --commercial or --no-commercial: does {licence} allow commercial use?")
    terms = bases.Terms(name, licence, commercial, description, family, variant, replace)
    bases.require_plausible(terms)
    try:
        with out.progress(f"Adding {name} (MiB)") as tell:
            added = bases.add(farm, source, revision, terms, surroundings.current().now(), tell)
    except KeyboardInterrupt:
        out.say(f"Broken off: {name} was not added. The same command again goes on, and sends only what is missing.")
        return problems.Exit.DETACHED
    document = views.facts(added.base)
    out.show(deeds.answer([deeds.Deed(f"base/{name}", added.became.value, _follows(added), document)]))
    return problems.Exit.OK


def _follows(added: bases.Added) -> str:
    base = added.base
    words = f"{base.family} at {base.resolution} px, {views.size(base.size)}, digest {base.digest[:12]}"
    accept = "" if base.commercial else f" and acceptLicence: {base.licence}"
    return f"{words}. Brands take it with spec.base.name: {base.name}{accept}."


@options.verb("list", examples=LIST_EXAMPLES)
@options.output
@options.farm
def listing(farm: Farm, out: Output) -> None:
    """Show the farm's foundation models, their licences, and which brands use them."""
    out.show(views.answer(bases.listing(farm)))


@options.verb("show", examples=SHOW_EXAMPLES)
@click.argument("name")
@options.output
@options.farm
def show(farm: Farm, out: Output, name: str) -> None:
    """Show one foundation model: where it came from, its files, and what its name meant before."""
    out.show(views.whole_answer(bases.whole(farm, name)))


command.add_command(add)
command.add_command(listing)
command.add_command(show)
