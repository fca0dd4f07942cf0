"""`brandfarm delete`: withdraws manifests."""

from __future__ import annotations

import click

from cli import applying, documents, options, problems, surroundings, targets
from cli import farm as farms
from cli.farm import Document, Farm
from cli.output import Output
from cli.targets import Target
from cli.views import deeds
from jobs.errors import NotFound

EXAMPLES = """
brandfarm delete campaign spring
brandfarm delete brandproject/stable-socks campaign/spring --yes
brandfarm delete -f examples/stable-socks
"""

FOLLOWS = {
    targets.BRAND: "Its work is withdrawn; what only it names is dropped later.",
    targets.CAMPAIGN: "Its open shots are withdrawn; pull its images before they are dropped.",
    targets.REVIEW: "Its word no longer counts.",
}


@options.verb("delete", examples=EXAMPLES)
@click.argument("what", nargs=-1, metavar="[KIND NAME... | KIND/NAME...]")
@click.option("-f", "--file", "files", multiple=True, help="Those that these manifests name.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.optional_namespace("the one that has it; with --context, the context's own")
@options.output
@options.farm
def command(
    farm: Farm, out: Output, what: tuple[str, ...], files: tuple[str, ...], yes: bool, namespace: str | None
) -> int:
    """Withdraw manifests and the work that they ask for.

    Asks first; without a terminal it wants --yes.
    """
    usual = farm.usual_namespace
    chosen = _named_in(files, namespace, usual) + [(namespace or usual, one) for one in targets.several(what)]
    if not chosen:
        raise click.UsageError("Say what: KIND NAME, KIND/NAME, or -f FILE.")
    found = [_find(farm, space, target) for space, target in chosen]
    if not yes and not _is_meant([f"{_name(one)} in {one['metadata']['namespace']}" for one in found]):
        out.say("Nothing was deleted.")
        return problems.Exit.FAILED
    out.show(deeds.answer([_delete(farm, one) for one in found]))
    return problems.Exit.OK


def _named_in(files: tuple[str, ...], namespace: str | None, usual: str | None) -> list[tuple[str | None, Target]]:
    read = documents.read_manifests(files) if files else []
    wanted = [applying.wanted_document(one, namespace, usual)["metadata"] for one in read]
    return [
        (metadata["namespace"], Target(one.model.kind, metadata["name"]))
        for one, metadata in zip(read, wanted, strict=True)
        if "name" in metadata
    ]


def _find(farm: Farm, namespace: str | None, target: Target) -> Document:
    """Everything must be there before anything is deleted. Raises NotFound."""
    try:
        return farms.find(farm, target.kind or "", namespace, target.name)
    except NotFound as missing:
        raise NotFound(f"{missing.message} Nothing was deleted.", hint=missing.hint) from missing


def _is_meant(names: list[str]) -> bool:
    """Asks. Raises UsageError where nobody can answer."""
    if not surroundings.current().has_keyboard():
        raise click.UsageError(f"This deletes {', '.join(names)}: without a terminal, say --yes.")
    return click.confirm(f"Delete {', '.join(names)}?", err=True)


def _delete(farm: Farm, document: Document) -> deeds.Deed:
    kind, metadata = document["kind"], document["metadata"]
    farm.delete(kind, metadata["namespace"], metadata["name"])
    return deeds.Deed(_name(document), "deleted", FOLLOWS[kind], document)


def _name(document: Document) -> str:
    return f"{document['kind'].lower()}/{document['metadata']['name']}"
