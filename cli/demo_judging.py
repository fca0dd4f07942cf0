"""What a campaign came to, in numbers: the right object, the right place, and how near the product is to its palette.

The judge is the small classifier that ships with the tiny base; it is loaded only here, since it brings torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli import farm as farms
from cli.farm import Farm
from jobs import blobs, keys, publish
from jobs.errors import NotFound
from jobs.shots import Plan, Recipe, Shot

if TYPE_CHECKING:
    from PIL.Image import Image

    from jobs.bases.judge import Judge
    from jobs.manifests import BrandProject


@dataclass(frozen=True)
class BrandFigures:
    """One brand's part of a campaign. objects and places are shares of the images, distances are in Lab units."""

    brand: str
    images: int
    objects: float
    places: float
    distance: float
    base_distance: float

    @property
    def is_passed(self) -> bool:
        """The bar: 95 in 100 right, and at most half of the base's distance to the palette."""
        return self.objects >= 0.95 and self.places >= 0.95 and self.distance <= self.base_distance / 2


def figures(farm: Farm, namespace: str, campaign: str) -> list[BrandFigures]:
    """Every brand of a campaign, judged. Raises NotFound where an image is not there."""
    from jobs.bases.judge import Judge

    judge = Judge.load()
    found = farms.campaign(farm, namespace, campaign)
    record = publish.read(farm.store, keys.campaign(found.metadata.uid or ""))
    if record is None:
        raise NotFound(f"The campaign {campaign} has not started.", hint="Wait for it: `brandfarm wait`.")
    plan = Plan.model_validate_json(blobs.get(farm.store, record["plan"]))
    return [_of_look(farm, namespace, judge, plan, number) for number in range(len(plan.looks))]


def _of_look(farm: Farm, namespace: str, judge: Judge, plan: Plan, number: int) -> BrandFigures:
    look = plan.looks[number]
    brand = farms.project(farm, namespace, look.project.split("/")[-1])
    shots = [shot for shot in plan.shots() if shot.look == number]
    pictures = [_picture(farm, shot.recipe) for shot in shots]
    seen = judge.objects_and_places(pictures)
    palette = brand.spec.judge.palette
    return BrandFigures(
        brand=brand.metadata.name or "",
        images=len(shots),
        objects=sum(thing == look.class_name for thing, _ in seen) / len(shots),
        places=sum(place == _wanted_place(shot) for (_, place), shot in zip(seen, shots, strict=True)) / len(shots),
        distance=judge.palette_distance(pictures, palette),
        base_distance=judge.palette_distance(_base_pictures(farm, brand), palette),
    )


def _base_pictures(farm: Farm, brand: BrandProject) -> list[Image]:
    """What the base alone draws at the judge's prompts, finished as the brand's are: the base's column of the sheet."""
    sheet = farms.status_of(brand).versions[-1].sheet
    plan = Plan.model_validate_json(blobs.get(farm.store, sheet or ""))
    return [_picture(farm, shot.recipe) for shot in plan.shots() if not shot.recipe.adapters]


def _picture(farm: Farm, recipe: Recipe) -> Image:
    from PIL import Image

    record = publish.read(farm.store, keys.image(recipe.hash))
    if record is None:
        raise NotFound(f"The image of {recipe.prompt!r}, seed {recipe.seed}, is not in the store.")
    return Image.open(io.BytesIO(blobs.get(farm.store, record["digest"])))


def _wanted_place(shot: Shot) -> str:
    from jobs.bases.drawn.words import PLACES

    return next(place for place, words in PLACES.items() if words in shot.recipe.prompt)
