"""`brandfarm critique`: a person's word on what is wrong with a version, said here or exported by a contact sheet."""

from __future__ import annotations

from pathlib import Path

import click

from cli import farm as farms
from cli import judging, options, sheet, surroundings
from cli.farm import Farm, nearest
from cli.judging import Word
from cli.output import Output
from cli.views import deeds
from jobs.errors import Conflict
from jobs.manifests import Verdict

EXAMPLES = """
brandfarm critique stable-socks v3 --tag oversaturated --note "the heel is too orange"
brandfarm critique stable-socks v3 --tag ai-look --reject
brandfarm critique --from verdicts.json
"""


@options.verb("critique", examples=EXAMPLES)
@click.argument("project", required=False)
@click.argument("version", required=False)
@click.option("--tag", "tags", multiple=True, help="What is wrong, as the brand's judge names it; may be repeated.")
@click.option("--note", default="", help="In your own words.")
@click.option("--reject", is_flag=True, help="Turn the version down rather than ask for a better one.")
@click.option(
    "--from", "verdicts", type=click.Path(path_type=Path), help="The verdicts that a contact sheet exported, as JSON."
)
@options.optional_namespace("default, or the sheet's own")
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    project: str | None,
    version: str | None,
    tags: tuple[str, ...],
    note: str,
    reject: bool,
    verdicts: Path | None,
) -> None:
    """Say what is wrong with a version, so that the next one is better.

    It does not serve any more if it did by your approval. With --from the words are those of a contact sheet.
    """
    if verdicts is None:
        space = namespace or farm.usual_namespace
        name, chosen, word = _said_here(project, version, Word(_verdict(reject), tags, note))
    elif tags or note or reject:
        raise click.UsageError("--from brings its own words: leave out --tag, --note and --reject.")
    else:
        space, name, chosen, word = _exported(farm, verdicts, (namespace, project, version))
    _warn_of_unknown_tags(farm, out, space, name, word)
    by = farm.person() or surroundings.current().user()
    said = judging.critique(farm, space, name, chosen, word, by=by)
    out.show(deeds.answer([deeds.Deed(f"{name} {said.version}", f"{word.verdict} by {by}", said.follows, said.review)]))


def _verdict(is_rejected: bool) -> Verdict:
    return Verdict.REJECT if is_rejected else Verdict.REVISE


def _said_here(project: str | None, version: str | None, word: Word) -> tuple[str, str, Word]:
    if project is None or version is None:
        raise click.UsageError("Say which PROJECT and VERSION, or --from verdicts.json.")
    if not word.tags and not word.note:
        raise click.UsageError("Say what is wrong: --tag, --note, or both.")
    return project, version, word


def _exported(farm: Farm, path: Path, said: tuple[str | None, ...]) -> tuple[str, str, str, Word]:
    """(namespace, project, version, word) of a sheet's verdicts. Raises UsageError where they are of something else than was
    said, Conflict where they are of an earlier project of that name, ManifestInvalid."""
    found = sheet.read_verdicts(path)
    place = (found.namespace, found.project, found.version)
    if any(word is not None and word != there for word, there in zip(said, place, strict=True)):
        meant = " ".join(word for word in said if word)
        raise click.UsageError(f"The verdicts are of {' '.join(place)}, not of {meant}.")
    if found.uid and found.uid != farms.project(farm, found.namespace, found.project).metadata.uid:
        raise Conflict(
            f"The verdicts are of an earlier {found.project}, which was deleted and made anew.",
            hint="Write its sheet again, and judge that.",
        )
    shots = tuple(shot.model_dump(mode="json") for shot in found.shots)
    return *place, Word(Verdict(found.verdict), found.tags, found.note, shots)


def _warn_of_unknown_tags(farm: Farm, out: Output, namespace: str | None, name: str, word: Word) -> None:
    brand = farms.project(farm, namespace, name)
    for tag in judging.unknown_tags(brand, word):
        out.warn(f"{name}'s judge lists no tag {tag!r}.{nearest(tag, brand.spec.judge.tags)}")
