"""`brandfarm cancel`: ends work until somebody retries it."""

from __future__ import annotations

import click

from cli import options, problems, surroundings, targets, work
from cli.farm import Farm
from cli.output import Output
from cli.views import deeds
from cli.work import Work
from jobs.errors import FarmError
from jobs.lifecycle import JobState

EXAMPLES = """
brandfarm cancel stable-socks
brandfarm cancel stable-socks v3 --reason "wrong pictures"
brandfarm cancel campaign/spring --yes
"""


@options.verb("cancel", examples=EXAMPLES)
@click.argument("name", metavar="BRAND|campaign/NAME")
@click.argument("version", required=False)
@click.option("--reason", default="", help="In your own words; it is kept.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.namespace
@options.output
@options.farm
def command(
    farm: Farm, out: Output, name: str, version: str | None, reason: str, yes: bool, namespace: str | None
) -> int:
    """End work that waits or is under way, until it is retried.

    Of a brand, one of its versions, or a campaign. What stands already stays, and can be pulled. Asks first;
    without a terminal it wants --yes.
    """
    found = work.of(farm, namespace, targets.parse(name), version)
    jobs = found.those(*work.OPEN)
    if not jobs:
        raise _nothing_to_cancel(found)
    shared = work.others(farm, found, sorted(jobs))
    if not yes and not _is_meant(found, work.counted(jobs), shared):
        out.say("Nothing was cancelled.")
        return problems.Exit.FAILED
    by = farm.person() or surroundings.current().user()
    told = farm.cancel(sorted(jobs), by, reason)
    out.show(deeds.answer([_deed(found, len(told), sum(one.state == JobState.DONE for one in told), by, reason)]))
    return problems.Exit.OK


def _nothing_to_cancel(found: Work) -> FarmError:
    status = found.document.get("status") or {}
    return FarmError(
        f"{found.name} has nothing that waits or is under way: {status.get('message') or 'the farm has not looked at it yet'}",
        hint=f"`brandfarm why {found.name}` says how it stands; `brandfarm delete` withdraws what is declared.",
    )


def _is_meant(found: Work, what: str, shared: list[str]) -> bool:
    """Asks. Raises UsageError where nobody can answer."""
    also = f" {', '.join(shared)} want some of it too, and will not get it." if shared else ""
    if not surroundings.current().has_keyboard():
        raise click.UsageError(f"This cancels {what} of {found.name}.{also} Without a terminal, say --yes.")
    return click.confirm(f"Cancel {what} of {found.name}?{also}", err=True)


def _deed(found: Work, count: int, done: int, by: str, reason: str) -> deeds.Deed:
    finished = f"{done} of {count} jobs had ended already. " if done else ""
    follows = (
        f"{finished}What stands stays; `brandfarm retry {found.name}` brings the rest back from its last checkpoint."
    )
    return deeds.Deed(found.name, "cancelled", follows, {"name": found.name, "jobs": count, "by": by, "reason": reason})
