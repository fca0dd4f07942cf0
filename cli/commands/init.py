"""`brandfarm init`: a first manifest, written after a look at the pictures."""

from __future__ import annotations

import io
import os
from pathlib import Path

import click

from cli import beginning, documents, drafting, options, problems, surroundings
from cli.beginning import Asked
from cli.documents import DocumentsInvalid
from cli.farm import Farm
from cli.output import Output
from cli.views import begun
from jobs.errors import Conflict, ManifestInvalid
from jobs.manifests import Concept

EXAMPLES = """
brandfarm init stable-socks --from ./shots
brandfarm init stable-socks --from ./shots --captions --owner "Studio A"
brandfarm init film-noir --from ./stills --concept style --to film-noir.yaml
"""


@options.verb("init", examples=EXAMPLES)
@click.argument("name")
@click.option(
    "--from", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder of pictures."
)  # fmt: skip
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), default=Path("brand.yaml"), show_default=True,
    help="The manifest to write.",
)  # fmt: skip
@click.option(
    "--concept", type=click.Choice([one.value for one in Concept]), default=Concept.PRODUCT.value, show_default=True,
    help="What is taught.",
)  # fmt: skip
@click.option("--trigger", default="", help="The rare word. Left out: found in the captions, or proposed from NAME.")
@click.option("--class", "class_name", default="", help="What kind of thing it is. Left out: found in the captions.")
@click.option("--base", "base_name", default="tiny", show_default=True, help="An entry of the farm's catalogue.")
@click.option("--owner", default="", help="Who holds the rights to the pictures. Left out: your login name.")
@click.option("--captions", is_flag=True, help="Write a draft .txt beside each picture that has no caption.")
@click.option("--force", is_flag=True, help="Write over a manifest that is there.")
@options.optional_namespace("none is written")
@options.output
@options.farm
def command(
    farm: Farm,
    out: Output,
    namespace: str | None,
    name: str,
    folder: Path,
    to: Path,
    concept: str,
    trigger: str,
    class_name: str,
    base_name: str,
    owner: str,
    captions: bool,
    force: bool,
) -> int:
    """Look at a folder of pictures and write a brand's first manifest.

    Sizes, light, sharpness, near copies, backgrounds, colours and captions are looked at; what a person should know stands beside
    the fields. Nothing is uploaded. Captions that are there are never touched.
    """
    beginning.require_name(name)
    _require_free(to, force)
    beginning.require_libraries()
    base = farm.catalogue().by_name(base_name)
    asked = Asked(
        name, folder.expanduser(), base, beginning.vocabulary(farm, base), Concept(concept), trigger, class_name
    )
    try:
        with out.progress(f"Looking at {folder}") as tell:
            looked = beginning.look(asked, tell)
    except KeyboardInterrupt:
        out.say("Broken off: nothing was written.")
        return problems.Exit.DETACHED
    drafted = beginning.draft(asked, looked)
    place = drafting.Place(_seen_from(asked.folder, to), owner or surroundings.current().user(), namespace)
    _require_accepted(drafting.manifest(drafted, place))
    written = beginning.write_captions(drafted) if captions else []
    if written:
        drafted = beginning.draft(asked, beginning.told_again(asked, looked))
    _write(to, drafting.manifest(drafted, place), force)
    out.show(begun.answer(begun.Begun(drafted, str(to), tuple(written))))
    out.say(_next(drafted, to))
    return problems.Exit.OK


def _require_free(to: Path, force: bool) -> None:
    if to.exists() and not force:
        raise Conflict(f"{to} is there already.", hint="Name another file with --to, or write over it with --force.")


def _seen_from(folder: Path, to: Path) -> str:
    """The folder as the manifest beside it names it."""
    path = Path(os.path.relpath(folder.resolve(), to.resolve().parent)).as_posix()
    return path if path.startswith((".", "..")) else f"./{path}"


def _require_accepted(text: str) -> None:
    """Raises ManifestInvalid where the farm would refuse what we are about to write, as for an odd --class."""
    try:
        documents.read_manifests(documents.STDIN, stdin=io.BytesIO(text.encode()))
    except DocumentsInvalid as wrong:
        found = "; ".join(f"{one.field}: {one.found}, where {one.expected} is expected" for one in wrong.problems)
        raise ManifestInvalid(f"No manifest can be written of this: {found}.", hint="Give other words.") from wrong


def _write(to: Path, text: str, force: bool) -> None:
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as refused:
        raise Conflict(
            f"{to} cannot be written: {refused.strerror}.", hint="Name another place with --to."
        ) from refused


def _next(drafted: beginning.Draft, to: Path) -> str:
    about = {notice.about for notice in drafted.notices}
    if "uncaptioned" in about:
        return (
            "Next: write a caption beside each picture, or let the same command with `--captions --force` begin them."
        )
    if "untriggered" in about:
        return f"Next: write {drafted.trigger.value} into every caption, or name another word with --trigger."
    return f"Next: `brandfarm plan -f {to}`, then `brandfarm apply -f {to}`."
