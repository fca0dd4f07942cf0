"""`brandfarm store`: proves the store, counts what lies in it, and drops what nobody names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from cli import options, problems, storing, surroundings
from cli.options import Where
from cli.output import Output
from cli.storing import Kept
from cli.views import stored
from cluster import store_census, store_doctor, store_marks, store_owners, store_sweep, store_usage
from cluster.clocks import MachineClock
from cluster.store_sweep import Ages, Condemned, Verdict

DOCTOR_EXAMPLES = """
brandfarm store doctor
brandfarm store doctor --quick -o json
brandfarm store doctor --store https://minio.studio-a.example/studio-a
"""

USAGE_EXAMPLES = """
brandfarm store usage
brandfarm store usage -o tsv
brandfarm store usage --store /mnt/farm/store
"""

SWEEP_EXAMPLES = """
brandfarm store sweep
brandfarm store sweep --yes
brandfarm store sweep --grace 14d --logs 90d --yes
"""


@options.group("store", examples=DOCTOR_EXAMPLES.rstrip() + USAGE_EXAMPLES.rstrip() + SWEEP_EXAMPLES)
def command() -> None:
    """Prove the store, count what lies in it, and drop what nobody names."""


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """--store, --home or --context; the verb gets `kept`, the store that is meant."""

    @functools.wraps(function)
    def with_store(*args: Any, where: Where, address: str | None, access: str, secret: str, **given: Any) -> Any:
        meant = storing.at(address, access, secret) if address else storing.of_farm(where.open())
        return function(*args, kept=meant, **given)

    chosen = click.option(
        "--store", "address", metavar="ADDRESS",
        help="A bucket or a folder by its address. Left out: the farm's. Keys: BRANDFARM_STORE_ACCESS_KEY, BRANDFARM_STORE_SECRET_KEY.",
    )  # fmt: skip
    access = click.option("--access-key", "access", envvar="BRANDFARM_STORE_ACCESS_KEY", default="", hidden=True)
    secret = click.option("--secret-key", "secret", envvar="BRANDFARM_STORE_SECRET_KEY", default="", hidden=True)
    return chosen(access(secret(options.whereabouts(with_store))))


@options.verb("doctor", examples=DOCTOR_EXAMPLES)
@click.option("--quick", is_flag=True, help="Only what `brandfarm up` asks, in about a second.")
@options.output
@kept
def doctor(out: Output, kept: Kept, quick: bool) -> int:
    """Prove on the live store what the farm is built on, and name what fails.

    One winner among racing creators, reads after writes, whole listings, digests, deletion, clocks, expiry and space; whole also
    long listings, large objects, credentials for a prefix, old versions and latency. What it writes below doctor/ it takes away.
    """
    with kept.again() as second, out.progress(f"Examining {kept.store}") as tell:
        findings = store_doctor.examine(kept.store, second, MachineClock(), whole=not quick, tell=tell)
    out.show(stored.examined(findings))
    failed = [one.name for one in findings if one.verdict is store_doctor.Verdict.FAILED]
    if failed:
        sentence = f"{len(failed)} of {len(findings)} checks of {kept.store} failed: {', '.join(failed)}."
        return problems.tell(problems.Problem(sentence, "Each says what to do next.", problems.Exit.FAILED))
    out.say(f"{kept.store}: nothing failed.")
    return problems.Exit.OK


@options.verb("usage", examples=USAGE_EXAMPLES)
@options.output
@kept
def usage(out: Output, kept: Kept) -> int:
    """Count what lies in the store: by kind, by brand and campaign, and what a sweep would free.

    Reads every record; of a million images that takes minutes. Nothing is changed.
    """
    documents = kept.documents()
    with out.progress(f"Reading {kept.store}") as tell:
        census = store_census.take(kept.store, documents, tell)
    read_plan = store_owners.plans_of(kept.store)
    now = surroundings.current().now()
    verdict = store_sweep.judge(census, read_plan, store_marks.read(kept.store), now, Ages())
    found = store_usage.usage(census, read_plan)
    out.show(stored.used(found, stored.amount(verdict.ready), stored.amount(verdict.waiting)))
    if not census.objects:
        out.say("The store is empty.")
    return problems.Exit.OK


@options.verb("sweep", examples=SWEEP_EXAMPLES)
@click.option(
    "--dry-run", is_flag=True, help="Only say what would go; what is nobody's is noted. The default without --yes."
)
@click.option("-y", "--yes", is_flag=True, help="Drop it.")
@click.option(
    "--grace", type=storing.Span(), default="7d", show_default=True,
    help="How long something must have been nobody's, by two sweeps so far apart. Under 4d only where nothing works.",
)  # fmt: skip
@click.option("--caches", type=storing.Span(), default="30d", show_default=True, help="Drop caches older than this.")
@click.option(
    "--logs", type=storing.Span(), default="30d", show_default=True, help="Drop logs of attempts older than this."
)
@click.option(
    "--no-manifests", is_flag=True,
    help="With --store: what only manifests name may go too, such as folders uploaded and not yet taken in.",
)  # fmt: skip
@options.output
@kept
def sweep(
    out: Output, kept: Kept, dry_run: bool, yes: bool, grace: float, caches: float, logs: float, no_manifests: bool
) -> int:
    """Drop what no record, manifest or live checkpoint names, old caches and logs, and what deleted manifests leave.

    Says what would go and drops nothing without --yes. A thing goes only when two sweeps, a grace period apart, saw that it is
    nobody's; so the first sweep frees little. The farm may work meanwhile. It can be broken off and begun again.
    """
    if dry_run and yes:
        raise click.UsageError("Say either --dry-run or --yes.")
    if yes and not kept.knows_manifests and not no_manifests:
        raise click.UsageError(
            "An address alone does not say which manifests use it: name the farm with --home, or say --no-manifests."
        )
    with out.progress(f"Reading {kept.store}") as tell:
        census = store_census.take(kept.store, kept.documents(), tell)
    verdict = _judged(kept, census, Ages(grace, caches, logs))
    if not yes:
        out.show(stored.swept(verdict.ready, verdict.waiting, _intention(verdict)))
        return problems.Exit.OK
    return _drop(out, kept, census, verdict)


def _judged(kept: Kept, census: store_census.Census, ages: Ages) -> Verdict:
    """What may go; what is nobody's is noted in the store, so that the next sweep knows since when."""
    now = store_marks.store_time(kept.store)
    read_plan = store_owners.plans_of(kept.store)
    verdict = store_sweep.judge(census, read_plan, store_marks.read(kept.store), now, ages)
    store_marks.write(kept.store, verdict.seen, now)
    return verdict


def _intention(verdict: Verdict) -> str:
    if not verdict.ready and not verdict.waiting:
        return "Nothing is nobody's, and nothing is old: there is nothing to sweep."
    later = f" {stored.told(verdict.waiting)} must be seen once more after the grace period." if verdict.waiting else ""
    drops = (
        f"{stored.told(verdict.ready)} would go: `brandfarm store sweep --yes`."
        if verdict.ready
        else "Nothing goes yet."
    )
    return f"{drops}{later}"


def _drop(out: Output, kept: Kept, census: store_census.Census, verdict: Verdict) -> int:
    gone: list[Condemned] = []
    seen = 0
    try:
        with out.progress(f"Sweeping {kept.store}") as tell:
            for end in store_sweep.drop(kept.store, census, verdict.ready, kept.documents):
                seen += 1
                gone += [end.one] if end.is_gone else []
                tell(seen, len(verdict.ready))
    except KeyboardInterrupt:
        out.say(f"Broken off: {stored.told(gone)} are dropped. The same command goes on.")
        return problems.Exit.DETACHED
    spared = (
        f" {len(verdict.ready) - len(gone)} were named or written again meanwhile and stay." if len(gone) < seen else ""
    )
    later = f" {stored.told(verdict.waiting)} wait for the grace period." if verdict.waiting else ""
    out.show(stored.swept(gone, verdict.waiting, f"Dropped {stored.told(gone)}.{spared}{later}"))
    return problems.Exit.OK


command.add_command(doctor)
command.add_command(usage)
command.add_command(sweep)
