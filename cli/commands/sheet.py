"""`brandfarm sheet`: writes a contact sheet as a folder that opens in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from cli import farm as farms
from cli import options, sheet
from cli.farm import Farm
from cli.output import Output
from cli.views import deeds

EXAMPLES = """
brandfarm sheet stable-socks --open
brandfarm sheet stable-socks --to ./socks-sheet
brandfarm sheet stable-socks --version v2 --version v3
"""


@options.verb("sheet", examples=EXAMPLES)
@click.argument("project")
@click.option("--to", type=click.Path(path_type=Path), help="The sheet's folder. Left out: PROJECT-sheet, here.")
@click.option("--version", "versions", multiple=True, help="Show this one; may be repeated. Left out: the newest four.")
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
@options.namespace
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    project: str,
    to: Path | None,
    versions: tuple[str, ...],
    is_opened: bool,
) -> None:
    """Write a contact sheet: a folder that opens in a browser.

    References, the base and each version by prompt and seed, before and after finish. Verdicts are given by keyboard and exported as
    JSON, which `critique --from` turns into a review.
    """
    brand = farms.project(farm, namespace, project)
    for version in versions:
        farms.version(brand, version)
    data = sheet.gather(farm.store, brand, farms.reviews(farm, brand), versions=versions)
    page = sheet.write(data, to or Path(f"{project}-sheet"))
    for sentence in data.missing:
        out.warn(sentence)
    follows = f"Open {page.as_uri()}, judge it, then `brandfarm approve {project}` or `brandfarm critique --from FILE`."
    out.show(deeds.answer([deeds.Deed(f"sheet/{project}", f"written to {page}", follows, {"page": str(page)})]))
    if is_opened:
        click.launch(page.as_uri())
