"""The example brands: valid manifests, captions in words the tiny base knows, pictures that can be drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from ruamel.yaml import YAML
from transformers import CLIPTokenizer

from jobs.bases import draw_examples, drawing
from jobs.bases.draw_examples import Brand
from jobs.bases.drawn import words
from jobs.manifests import document
from jobs.manifests.brand_project import BrandProject
from jobs.manifests.campaign import Campaign

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
TINY = ROOT / "jobs" / "bases" / "tiny"

each_brand = pytest.mark.parametrize("brand", draw_examples.BRANDS, ids=lambda brand: brand.name)


def read(path: Path) -> document.AnyManifest:
    return document.parse(YAML(typ="safe").load(path))


def shots(brand: Brand) -> list[Path]:
    return sorted((EXAMPLES / brand.name / "shots").glob("*.png"))


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def captions(brand: Brand) -> list[str]:
    return [path.with_suffix(".txt").read_text().strip() for path in shots(brand)]


@each_brand
def test_the_brand_manifest_says_what_the_pictures_show(brand: Brand) -> None:
    project = read(EXAMPLES / brand.name / "brand.yaml")
    assert isinstance(project, BrandProject)
    spec = project.spec
    said = (project.metadata.name, spec.trigger, spec.class_name, tuple(spec.judge.palette))
    assert said == (brand.name, brand.trigger, brand.product, brand.palette)


def test_one_brand_asks_for_an_approval_and_the_other_for_none() -> None:
    projects = [read(EXAMPLES / brand.name / "brand.yaml") for brand in draw_examples.BRANDS]
    gates = [project.spec.gate.approvals for project in projects if isinstance(project, BrandProject)]
    assert gates == [1, 0]


def test_the_campaign_shows_both_brands_in_every_place_and_light() -> None:
    campaign = read(EXAMPLES / "spring-nightly.yaml")
    assert isinstance(campaign, Campaign)
    variables = campaign.spec.shots.variables
    assert [look.brand for look in campaign.spec.looks] == [brand.name for brand in draw_examples.BRANDS]
    assert list(variables["place"]) == list(words.PLACES.values())
    assert list(variables["light"]) == list(words.LIGHTS.values())
    assert campaign.spec.shot_count >= 48


@each_brand
def test_there_are_32_pictures_of_64_pixels_square(brand: Brand) -> None:
    assert [pixels(path).shape for path in shots(brand)] == [(64, 64, 3)] * 32


@each_brand
def test_every_caption_has_the_trigger_once_and_the_class(brand: Brand) -> None:
    for caption in captions(brand):
        assert caption.split().count(brand.trigger) == 1
        assert brand.product in caption.split()


@each_brand
def test_every_word_is_one_token_of_the_tiny_base(brand: Brand) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(TINY / "tokenizer")
    for caption in captions(brand):
        spelled = caption.replace(",", " ,").split()
        assert tokenizer.tokenize(caption) == [word + "</w>" for word in spelled]


@each_brand
def test_the_pictures_can_be_drawn_again(brand: Brand) -> None:
    drawn = [(np.asarray(drawing.draw(picture)), caption) for picture, caption in draw_examples.shots(brand)]
    kept = [
        (np.asarray(Image.open(path)), caption) for path, caption in zip(shots(brand), captions(brand), strict=True)
    ]
    assert [caption for _, caption in drawn] == [caption for _, caption in kept]
    assert max(np.abs(a.astype(int) - b.astype(int)).max() for (a, _), (b, _) in zip(drawn, kept, strict=True)) <= 1


def test_the_looks_are_ones_that_training_never_shows() -> None:
    patterns = {brand.pattern for brand in draw_examples.BRANDS}
    assert patterns == set(words.HELD_OUT_PATTERNS)
