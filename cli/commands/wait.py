"""`brandfarm wait`: waits until a brand is ready or a campaign complete, and says by its exit code what came of it."""

from __future__ import annotations

import re
from typing import NoReturn

import click

from cli import farm as farms
from cli import options, surroundings, targets, waiting
from cli.farm import Document, Farm, nearest
from cli.output import Output
from cli.targets import Target
from cli.views import deeds, marks
from cli.waiting import Outlook, Seen
from jobs.errors import FarmDown, FarmError, NotApproved, NotFound, Timeout

LOOK_EVERY_SECONDS = 0.5

EXAMPLES = """
brandfarm wait stable-socks
brandfarm wait stable-socks --for Trained --timeout 30m
brandfarm wait campaign/spring --timeout 6h && brandfarm campaign pull spring --to ./spring
"""


@options.verb("wait", examples=EXAMPLES)
@click.argument("target", metavar="PROJECT|campaign/NAME")
@click.option(
    "--for", "condition", help="A condition, such as Trained, Approved, Ready, Complete. Left out: Ready or Complete."
)
@click.option("--timeout", default="10m", show_default=True, help="How long, such as 90s, 10m or 6h.")
@options.namespace
@options.output
@options.farm
def command(farm: Farm, out: Output, namespace: str | None, target: str, condition: str | None, timeout: str) -> None:
    """Wait until a brand is ready or a campaign complete.

    Exits with 0 when it has come, 1 when it failed, 5 when the time is over, 7 when somebody must approve first. Ctrl-C leaves
    the farm at work.
    """
    first = _found(farm, namespace, targets.parse(target))
    chosen, space = Target(first["kind"], first["metadata"]["name"]), first["metadata"]["namespace"]
    wanted = _condition(chosen, condition)
    seen = _wait(farm, out, space, chosen, wanted, _seconds(timeout))
    document = farm.document(first["kind"], space, chosen.name)
    out.show(deeds.answer([deeds.Deed(_name(chosen), wanted, seen.message, document)]))


def _wait(farm: Farm, out: Output, namespace: str, target: Target, condition: str, timeout: float) -> Seen:
    world = surroundings.current()
    deadline = world.monotonic() + timeout
    with out.waiting(f"Waiting for {_name(target)} to be {condition}") as tell:
        while True:
            seen = waiting.look(farm.document(target.kind or "", namespace, target.name), condition)
            if seen.outlook is Outlook.HERE:
                return seen
            if seen.outlook is not Outlook.COMING:
                _give_up(target, condition, seen)
            _require_up(farm, target, seen)
            if world.monotonic() >= deadline:
                raise _too_late(target, condition, seen, timeout)
            tell(_told(target, seen, with_progress=out.is_watched))
            world.pause(LOOK_EVERY_SECONDS)


def _found(farm: Farm, namespace: str | None, target: Target) -> Document:
    """The target's manifest; a bare name is a brand's, or a campaign's where no brand has it. Raises NotFound."""
    if target.kind == targets.REVIEW:
        raise click.UsageError("A review is there as soon as it is written; wait for a brand or a campaign.")
    if target.kind is not None:
        return farms.find(farm, target.kind, namespace, target.name)
    try:
        return farms.find(farm, targets.BRAND, namespace, target.name)
    except NotFound:
        if target.name not in (one["metadata"]["name"] for one in farm.documents(targets.CAMPAIGN, namespace)):
            raise
    return farms.find(farm, targets.CAMPAIGN, namespace, target.name)


def _condition(target: Target, text: str | None) -> str:
    kind = target.kind or ""
    if text is None:
        return waiting.usual(kind)
    known = {name.lower(): name for name in waiting.conditions_of(kind)}
    if text.lower() in known:
        return known[text.lower()]
    names = ", ".join(known.values())
    raise click.UsageError(f"{_name(target)} has no condition {text!r}.{nearest(text, known.values())} It has {names}.")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text.strip())
    if found is None:
        raise click.UsageError(f"--timeout {text!r} is no time. Write 90s, 10m or 6h.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "": 1}[found[2]]


def _give_up(target: Target, condition: str, seen: Seen) -> NoReturn:
    name = _name(target)
    if seen.outlook is Outlook.NEEDS_APPROVAL:
        hint = "Somebody must approve first; then wait again."
        raise NotApproved(f"{name} is not {condition}: {seen.message}", hint=hint)
    raise FarmError(
        f"{name} will not be {condition}: {seen.phase}. {seen.message}",
        hint=f"See `brandfarm status {_short(target)}`.",
    )


def _require_up(farm: Farm, target: Target, seen: Seen) -> None:
    if not farm.is_up():
        raise FarmDown(
            f"No farm runs in {farm.place}, so {_name(target)} stays {seen.phase}.",
            hint=farm.how_to_wake,
        )


def _too_late(target: Target, condition: str, seen: Seen, timeout: float) -> Timeout:
    progress = f" ({seen.progress})" if seen.progress else ""
    return Timeout(
        f"{_name(target)} is not {condition} after {marks.span(timeout)}: {seen.phase}{progress}. {seen.message}".rstrip(),
        hint="The farm goes on; wait longer with --timeout.",
    )


def _told(target: Target, seen: Seen, *, with_progress: bool) -> str:
    """What a spinner says; in a log only the phases, or it would grow by a line a step."""
    progress = f" {seen.progress}" if seen.progress and with_progress else ""
    return f"{_name(target)}: {seen.phase}{progress}"


def _name(target: Target) -> str:
    return f"{(target.kind or '').lower()}/{target.name}"


def _short(target: Target) -> str:
    return target.name if target.kind == targets.BRAND else _name(target)
