"""`brandfarm export`: a version as files that other tools load, each proven before it is written."""

from __future__ import annotations

from pathlib import Path

import click

from cli import exporting, options
from cli import farm as farms
from cli.farm import Farm
from cli.output import Output
from cli.views import exported
from jobs.leaving.model import Format

EVERY = "all"

EXAMPLES = """
brandfarm export stable-socks --to ./stable-socks
brandfarm export stable-socks v3 --to ./v3 --format kohya
brandfarm export stable-socks --to ./stable-socks --strength 0.8 --force
"""


@options.verb("export", examples=EXAMPLES)
@click.argument("project")
@click.argument("version", required=False)
@click.option(
    "--to", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write, whole or not at all."
)  # fmt: skip
@click.option(
    "--format", "wanted", type=click.Choice([*(one.value for one in Format), EVERY]), default=EVERY, show_default=True,
    help="diffusers: for diffusers and PEFT. kohya: for ComfyUI, A1111 and InvokeAI.",
)  # fmt: skip
@click.option(
    "--strength", type=click.FloatRange(0, 2, min_open=True), default=1.0, show_default=True,
    help="The strength that the card recommends, and that the proofs draw with.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Take the place of an earlier export.")
@options.namespace
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    project: str,
    version: str | None,
    to: Path,
    wanted: str,
    strength: float,
    force: bool,
) -> None:
    """Write a version as files that other tools load, each proven.

    Its adapter in both forms, its colours as a LUT, and a model card. Left out, VERSION is the one that serves. Every file is
    loaded as its readers load it and draws the same pictures as the farm; a proof that fails writes nothing. The farm need not be up.
    """
    brand = farms.project(farm, namespace, project)
    chosen = exporting.chosen(brand, version)
    formats = tuple(Format) if wanted == EVERY else (Format(wanted),)
    with out.waiting(f"Exporting {project} {chosen.version}") as tell:
        model = exporting.gather(farm, brand, chosen, strength)
        left = exporting.leave(
            farm.store,
            model,
            formats,
            to.absolute(),
            force,
            lambda what: tell(f"Exporting {project} {chosen.version}: {what}"),
        )
    if chosen.state != "approved":
        out.warn(f"{chosen.version} is {chosen.state}, not approved; its card says so.")
    if not model.pictures:
        out.warn("No picture of its contact sheet could be read, so the card has no samples.")
    out.show(exported.answer(left))
