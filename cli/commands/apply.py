"""`brandfarm apply`: hands manifests to the farm."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from cli import applying, documents, options, problems
from cli.applying import Applied, Became
from cli.farm import Farm, Progress
from cli.output import Output
from cli.views import deeds
from cli.views.plan import difference

SHOWN_DIFFERENCES = 6

EXAMPLES = """
brandfarm apply -f brand.yaml
brandfarm apply -f examples/stable-socks -f campaign.yaml
cat brand.yaml | brandfarm apply -f - -n studio-a
"""


@options.verb("apply", examples=EXAMPLES)
@click.option(
    "-f", "--file", "files", multiple=True, required=True, help="A manifest, a folder of them, or - for stdin."
)
@options.optional_namespace("what each manifest says")
@options.output
@options.farm
def command(farm: Farm, out: Output, files: tuple[str, ...], namespace: str | None) -> int:
    """Hand manifests to the farm; local pictures are uploaded.

    A manifest is created, or changed where one of its name stands; the same one again changes nothing and trains nothing.
    Everything is checked before anything is written.
    """
    read = documents.read_manifests(files)
    done: list[Applied] = []
    with ExitStack() as bars:

        def uploading(folder: Path) -> Progress:
            return bars.enter_context(out.progress(f"Uploading {folder}"))

        try:
            for one in applying.apply(farm, read, namespace, uploading):
                done.append(one)
                bars.close()
        except KeyboardInterrupt:
            bars.close()
            out.say(_broken_off([one.name for one in done], len(read)))
            return problems.Exit.DETACHED
    out.show(deeds.answer([_deed(one) for one in done]))
    if not farm.is_up():
        out.say(f"No farm runs in {farm.place}, so this waits. {farm.how_to_wake}")
    return problems.Exit.OK


def _broken_off(applied: list[str], count: int) -> str:
    done = (
        f"{len(applied)} of {count} manifests were applied ({', '.join(applied)})" if applied else "nothing was applied"
    )
    return f"Broken off: {done}. The same command again goes on, and sends only the pictures that are missing."


def _deed(one: Applied) -> deeds.Deed:
    return deeds.Deed(one.name, one.became.value, _changes(one), one.document)


def _changes(one: Applied) -> str:
    if one.became is not Became.CONFIGURED:
        return ""
    shown = [difference(found) for found in one.differences[:SHOWN_DIFFERENCES]]
    left_out = len(one.differences) - len(shown)
    return "; ".join([*shown, *([f"and {left_out} more"] if left_out else [])])
