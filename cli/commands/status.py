"""`brandfarm status`: the farm at a glance, or one brand or campaign whole; with -w for as long as one looks."""

from __future__ import annotations

import click

from cli import farm as farms
from cli import live, options, surroundings, targets
from cli.farm import Farm
from cli.output import Answer, Output
from cli.views import detail, status
from cluster.ports import Summary
from jobs.errors import DispatcherUnavailable, FarmDown, NotFound

LOOK_EVERY_SECONDS = 0.5

EXAMPLES = """
brandfarm status
brandfarm status stable-socks
brandfarm status campaign/spring -w
brandfarm status -o json | jq '.projects[].status.phase'
"""


@options.verb("status", examples=EXAMPLES)
@click.argument("name", required=False)
@click.option("-w", "--watch", is_flag=True, help="Go on showing how it changes; Ctrl-C leaves.")
@options.optional_namespace("all of them")
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, name: str | None, watch: bool) -> None:
    """Show brands and campaigns, what serves and why others wait.

    NAME shows one of them whole: a brand, or a campaign as campaign/NAME.
    """
    if not watch:
        out.show(look(farm, namespace, name))
        if not out.is_for_people and not farm.is_up():
            out.say(f"No farm runs in {farm.place}: this was last known. `brandfarm up` starts it.")
        return
    pause = surroundings.current().pause
    live.keep_showing(out, lambda: look(farm, namespace, name), lambda: pause(LOOK_EVERY_SECONDS))


def look(farm: Farm, namespace: str | None, name: str | None) -> Answer:
    """What is to be shown, asked now. Raises NotFound, FarmDown where there never was a farm."""
    if name is not None:
        return _one(farm, namespace, targets.parse(name))
    if not farm.is_up():
        farms.require_kept(farm)
    summary, away = _summary(farm)
    return status.answer(
        status.Glance(farm.place, summary, farms.projects(farm, namespace), farms.campaigns(farm, namespace), away)
    )


def _summary(farm: Farm) -> tuple[Summary | None, str]:
    try:
        return farm.summary(), ""
    except (FarmDown, DispatcherUnavailable) as away:
        return None, f"{away.message} {away.hint}"


def _one(farm: Farm, namespace: str | None, target: targets.Target) -> Answer:
    if target.kind == targets.CAMPAIGN:
        return detail.campaign_answer(farms.campaign(farm, namespace, target.name))
    try:
        project = farms.project(farm, namespace, target.name)
    except NotFound:
        if target.kind is None and _is_campaign(farm, namespace, target.name):
            return detail.campaign_answer(farms.campaign(farm, namespace, target.name))
        raise
    return detail.project_answer(project, farms.reviews(farm, project))


def _is_campaign(farm: Farm, namespace: str | None, name: str) -> bool:
    return any(one["metadata"]["name"] == name for one in farm.documents(targets.CAMPAIGN, namespace))
