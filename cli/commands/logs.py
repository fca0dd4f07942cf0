"""`brandfarm logs`: what a training or a campaign told on its way."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import options, surroundings, targets, telling
from cli.farm import Farm
from cli.output import Format, Output
from cli.telling import Line, Teller
from cli.views import told
from jobs.errors import NotFound

LOOK_EVERY_SECONDS = 1.0
USUAL_TAIL = 100

EXAMPLES = """
brandfarm logs stable-socks -f
brandfarm logs stable-socks --version v2 --attempt 1
brandfarm logs campaign/spring -o json | jq .event
"""


@options.verb("logs", examples=EXAMPLES)
@click.argument("target", metavar="PROJECT|campaign/NAME|JOB")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is told; Ctrl-C leaves.")
@click.option("--version", help="Of this version rather than the newest.")
@click.option(
    "--attempt", type=click.IntRange(min=1), help="Of this attempt only. Left out: of all, one after another."
)
@click.option(
    "--tail", type=click.IntRange(min=0), default=USUAL_TAIL, show_default=True, help="The last lines; 0 is all."
)
@options.namespace
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    target: str,
    follow: bool,
    version: str | None,
    attempt: int | None,
    tail: int,
) -> None:
    """Show what a training or a campaign told on its way.

    A training's log says steps and losses; -o json gives the lines as they were written. They are read from the store, so it
    needs neither the worker nor its pod.
    """
    asked = _asked(farm, namespace, target, version)
    teller = Teller(farm.store, asked, attempt)
    lines = teller.fresh()
    if not lines and not follow:
        of = f" by attempt {attempt}" if attempt else ""
        raise NotFound(
            f"Nothing has been told of {target}{of} yet.", hint=f"`brandfarm logs {target} -f` waits for it."
        )
    _show(out, lines[-tail:], len(asked) > 1)
    pause = surroundings.current().pause
    while follow:
        pause(LOOK_EVERY_SECONDS)
        _show(out, teller.fresh(), len(asked) > 1)


def _asked(farm: Farm, namespace: str | None, text: str, version: str | None) -> list[str]:
    if telling.is_job(text):
        return [text]
    target = targets.parse(text)
    if target.kind == targets.CAMPAIGN:
        return telling.of_campaign(farm, farms.campaign(farm, namespace, target.name))
    return telling.of_project(farms.project(farm, namespace, target.name), version)


def _show(out: Output, lines: list[Line], with_job: bool) -> None:
    if out.form in (Format.JSON, Format.YAML):
        out.lines([told.raw(line) for line in lines])
    elif out.is_for_people:
        for line in lines:
            out.console.print(told.line(line, with_job), soft_wrap=True)
    else:
        out.lines([told.line(line, with_job).plain for line in lines])
