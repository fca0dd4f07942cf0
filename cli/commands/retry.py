"""`brandfarm retry`: grants new attempts to what failed or was cancelled."""

from __future__ import annotations

import click

from cli import options, surroundings, targets, work
from cli.farm import Farm
from cli.output import Output
from cli.views import deeds
from cli.work import Work
from jobs.lifecycle import JobState

EXAMPLES = """
brandfarm retry stable-socks
brandfarm retry stable-socks v3
brandfarm retry campaign/spring
"""


@options.verb("retry", examples=EXAMPLES)
@click.argument("name", metavar="BRAND|campaign/NAME")
@click.argument("version", required=False)
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, name: str, version: str | None, namespace: str | None) -> None:
    """Try again what failed or was cancelled.

    Trainings go on from their last checkpoint; intakes, sheets and shots begin with what stands. What rests
    after a failed attempt is not waited for any longer.
    """
    target = targets.parse(name)
    found = work.of(farm, namespace, target, version)
    if found.document["kind"] == targets.CAMPAIGN:
        out.show(deeds.answer([rerun(farm, found.document["metadata"]["namespace"], target.name)]))
        return
    failed = found.those(JobState.FAILED)
    farm.retry(sorted([*failed, *_resting(found)]))
    out.show(deeds.answer([_deed(found, work.counted(failed) if failed else "")]))


def rerun(farm: Farm, namespace: str | None, name: str) -> deeds.Deed:
    """Asks for all that failed of a campaign once more."""
    world = surroundings.current()
    asked = work.rerun_failed(farm, namespace, name, by=farm.person() or world.user(), now=world.now())
    data = {"name": f"campaign/{name}", "retried": asked.retried, "chunks": asked.chunks, "shots": asked.shots}
    if not asked.retried and not asked.shots:
        return deeds.Deed(f"campaign/{name}", "left as it is", "Nothing of it has failed.", data)
    told = [
        *([f"{asked.retried} chunks that had failed or were cancelled are tried again"] if asked.retried else []),
        *([f"{asked.shots} failed shots are drawn again, within half a minute"] if asked.shots else []),
    ]
    return deeds.Deed(f"campaign/{name}", "retried", f"{'; '.join(told)}. Images that stand are not drawn twice.", data)


def _resting(found: Work) -> list[str]:
    """Those that wait after an attempt had failed."""
    return [job for job, report in found.those(JobState.WAITING).items() if report.trouble is not None]


def _deed(found: Work, what: str) -> deeds.Deed:
    data = {"name": found.name, "retried": sorted(found.those(JobState.FAILED))}
    if what:
        return deeds.Deed(found.name, "retried", f"{what} again; `brandfarm why {found.name}` says how it goes.", data)
    if _resting(found):
        return deeds.Deed(found.name, "retried", "What rested after a failed attempt lines up at once.", data)
    return deeds.Deed(found.name, "left as it is", "Nothing of it has failed.", data)
