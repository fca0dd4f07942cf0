"""`brandfarm status`: the farm at a glance, or one brand or campaign whole; with -w for as long as one looks."""

from __future__ import annotations

from dataclasses import dataclass

import click

from cli import farm as farms
from cli import live, moments, night, options, surroundings, targets
from cli.farm import Farm
from cli.output import Answer, Format, Output
from cli.views import detail, status
from cluster.ports import Summary
from jobs.errors import DispatcherUnavailable, FarmDown, NotFound

LOOK_EVERY_SECONDS = 0.5

EXAMPLES = """
brandfarm status
brandfarm status --since 18:00 --gpu-price 2.50
brandfarm status stable-socks
brandfarm status campaign/spring -w
brandfarm status -o json | jq '.projects[].status.phase'
"""


@options.verb("status", examples=EXAMPLES)
@click.argument("name", required=False)
@click.option(
    "--since", default="24h", show_default=True, help="From when the night is told: 18:00, 24h, 3d or a date."
)
@click.option(
    "--gpu-price",
    type=click.FloatRange(min=0),
    envvar="BRANDFARM_GPU_PRICE",
    help="What an hour of a worker costs, so that images get a price. Left out: BRANDFARM_GPU_PRICE.",
)
@click.option("-w", "--watch", is_flag=True, help="Go on showing how it changes; Ctrl-C leaves.")
@options.searched_namespace("all of them")
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    name: str | None,
    since: str,
    gpu_price: float | None,
    watch: bool,
) -> None:
    """Show what the night came to, what needs you, and how everything stands.

    NAME shows one of them whole: a brand, or a campaign as campaign/NAME. With -w only how it stands, as it changes.
    """
    if not watch:
        now = surroundings.current().now()
        told = Told(moments.since(since, now), now, gpu_price)
        out.show(look(farm, namespace, name, None if _is_for_scripts(out) else told))
        if not out.is_for_people and not farm.is_up():
            out.say(f"No farm runs in {farm.place}: this was last known. {farm.how_to_wake}")
        return
    pause = surroundings.current().pause
    live.keep_showing(out, lambda: look(farm, namespace, name), lambda: pause(LOOK_EVERY_SECONDS))


@dataclass(frozen=True)
class Told:
    """Which night is told of, in seconds since 1970, and what an hour of a worker costs."""

    since: float
    until: float
    price: float | None


def _is_for_scripts(out: Output) -> bool:
    """Whether the answer is rows or names, which tell of no night: then no records are read."""
    return out.form in (Format.TSV, Format.NAME)


def look(farm: Farm, namespace: str | None, name: str | None, told: Told | None = None) -> Answer:
    """What is to be shown, asked now; with `told`, of the night too. Raises NotFound, FarmDown where there never was a farm."""
    if name is not None:
        return _one(farm, namespace, targets.parse(name))
    if not farm.is_up():
        farms.require_kept(farm)
    summary, away = _summary(farm)
    projects, campaigns = farms.projects(farm, namespace), farms.campaigns(farm, namespace)
    became, price = None, told.price if told else None
    if told is not None and (projects or campaigns):
        became = night.gather(farm, projects, campaigns, told.since, told.until)
    return status.answer(status.Glance(farm.place, summary, projects, campaigns, away, became, price))


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
