"""`brandfarm versions`: every version of a brand and what changed, or one of them whole."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import history, options
from cli.farm import Farm
from cli.history import Version
from cli.output import Output
from cli.views import versions
from jobs import blobs
from jobs.errors import Corrupt, KeyNotFound
from jobs.records import Sample

EXAMPLES = """
brandfarm versions stable-socks
brandfarm versions stable-socks v3
brandfarm versions stable-socks -o tsv | cut -f 1,2,11
"""


@options.verb("versions", examples=EXAMPLES)
@click.argument("name", metavar="BRAND")
@click.argument("version", required=False)
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, name: str, version: str | None) -> None:
    """Show a brand's versions, and what changed from one to the next.

    With what each came to and what was said of it. VERSION shows one of them whole: its recipe, its attempts
    and why they failed, where its samples are.
    """
    project = farms.project(farm, namespace, name)
    if version is None:
        out.show(versions.answer(project, history.versions(farm, project)))
        return
    one = history.version(farm, project, version)
    samples, lost = _samples(farm, one)
    out.show(versions.one_answer(project, one, history.attempts(farm.store, one), samples))
    if lost:
        out.warn(lost)


def _samples(farm: Farm, one: Version) -> tuple[list[Sample], str]:
    if one.trained is None:
        return [], ""
    try:
        listed = blobs.get_json(farm.store, one.trained.samples)
    except (KeyNotFound, Corrupt) as lost:
        return [], f"Its samples cannot be listed: {lost.message}"
    return [Sample.model_validate(sample) for sample in listed], ""
