"""`brandfarm lineage`: what made an image, and what a photograph has touched."""

from __future__ import annotations

import re
from pathlib import Path

import click

from cli import farm as farms
from cli import options, png_texts
from cli.farm import Farm
from cli.output import Output
from cli.views import lineage as view
from jobs.datasets.decode import Decoder, Refusal
from jobs.errors import Corrupt, FarmError, NotFound
from jobs.lineage import Archive
from jobs.shots import Recipe

EXAMPLES = """
brandfarm lineage spring/0042.png
brandfarm lineage 3fa1c07b22
brandfarm lineage --of shots/heel.jpg
brandfarm lineage --of shots/heel.jpg -o json
"""

DIGEST = re.compile(r"[0-9a-f]{8,64}")


@options.verb("lineage", examples=EXAMPLES)
@click.argument("image", required=False)
@click.option(
    "--of", "photograph", metavar="PICTURE", help="What this photograph has touched: a file, or its pixels' digest."
)
@options.output
@options.farm
def command(farm: Farm, out: Output, image: str | None, photograph: str | None) -> None:
    """Show what made an image, or all that a photograph has gone into.

    IMAGE is a PNG as the farm wrote it, which holds its recipe, or the first digits of a recipe's hash. Upwards: the recipe, each
    adapter's version and training, its pictures and their source. With --of, downwards: datasets, trainings, versions, images.
    """
    if (image is None) == (photograph is None):
        raise click.UsageError("Name an image, or a photograph with --of.")
    archive, names = Archive(farm.store), _names(farm)
    if image is not None:
        out.show(view.made_answer(archive.made(_recipe_hash(farm, image)), names))
    else:
        assert photograph is not None
        touched = archive.touched(_pixels(photograph))
        out.show(view.touched_answer(touched, names))
        if not touched.datasets:
            out.warn("No dataset of this store holds these pixels.")


def _names(farm: Farm) -> dict[str, str]:
    """By uid, what people call a manifest."""
    return {
        document["metadata"]["uid"]: f"{document['metadata']['namespace']}/{document['metadata']['name']}"
        for kind in ("BrandProject", "Campaign")
        for document in farms.visible(farm, kind)
    }


def _recipe_hash(farm: Farm, image: str) -> str:
    path = Path(image)
    if path.is_file():
        return _recipe(path).hash
    if not DIGEST.fullmatch(image):
        raise NotFound(
            f"There is no file {image}, and it is no recipe's hash.",
            hint="Name a PNG that the farm made, or at least 8 digits of its recipe's hash.",
        )
    found = [key.rsplit("/", 1)[1] for key in farm.store.list(f"image/{image[:2]}/{image}")]
    if len(found) != 1:
        count = f"{len(found)} images have" if found else "No image has"
        raise NotFound(f"{count} a recipe whose hash begins with {image}.", hint="Give more digits, or the PNG itself.")
    return found[0]


def _recipe(path: Path) -> Recipe:
    """The recipe inside a PNG. Raises Corrupt, with the file's name."""
    try:
        return Recipe.model_validate_json(png_texts.read(path.read_bytes())["brandfarm"])
    except (KeyError, ValueError) as absent:
        raise Corrupt(
            f"{path} holds no recipe.",
            hint="Take the PNG as the farm wrote it; editors and chat programs drop such texts.",
        ) from absent
    except Corrupt as broken:
        raise Corrupt(f"{path}: {broken.message}", hint=broken.hint) from broken
    except OSError as refused:
        raise NotFound(f"{path} cannot be read: {refused.strerror}.") from refused


def _pixels(photograph: str) -> str:
    """The digest of a photograph's decoded pixels, which is what it is known by, whatever the file was called."""
    path = Path(photograph)
    if not path.is_file() and re.fullmatch(r"[0-9a-f]{64}", photograph):
        return photograph
    try:
        data = path.read_bytes()
    except OSError as refused:
        raise NotFound(
            f"{path} cannot be read: {refused.strerror}.",
            hint="Name a picture, or the 64 digits of its pixels' digest.",
        ) from refused
    with Decoder() as decoder:
        decoded = decoder.decode(data)
    if isinstance(decoded, Refusal):
        raise FarmError(f"{path} is no picture that can be read: {decoded.reason}.", hint="Name the photograph itself.")
    return decoded.pixels
