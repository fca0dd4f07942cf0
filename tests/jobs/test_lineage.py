"""Records walked both ways: what made an image, and all that a photograph has touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.folder_store import FolderStore
from jobs import plan as planning
from jobs.errors import NotFound
from jobs.lineage import Archive, Drawn
from tests.builders import digest
from tests.jobs import past


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def test_an_image_leads_to_every_picture_that_its_adapters_learned_from(store: FolderStore) -> None:
    socks = past.brand(store, "socks", "uid-1", "heel", "toe")
    noir = past.brand(store, "noir", "uid-2", "alley")
    plan = past.campaign(store, "uid-9", socks.adapter, noir.adapter)
    made = Archive(store).made(plan.shot(0).recipe.hash)
    assert made.image.recipe == plan.shot(0).recipe
    assert [one.training.adapter for one in made.learned] == [socks.adapter, noir.adapter]
    assert [one.strength for one in made.learned] == [0.5, 0.5]
    assert [[picture.pixels for picture in one.pictures] for one in made.learned] == [
        list(socks.pixels),
        list(noir.pixels),
    ]
    assert [one.asked for one in made.learned[0].versions] == [socks.version.asked]
    assert [one.source for one in made.learned[1].intakes] == ["s3://studio/noir/"]
    assert made.unknown == ()


def test_an_adapter_of_elsewhere_is_named_as_such(store: FolderStore) -> None:
    plan = past.campaign(store, "uid-9", digest("brought along"))
    assert Archive(store).made(plan.shot(0).recipe.hash).unknown == (digest("brought along"),)


def test_an_image_that_does_not_stand_is_not_found(store: FolderStore) -> None:
    with pytest.raises(NotFound, match="No image of recipe"):
        Archive(store).made(digest("nothing"))


def test_a_photograph_leads_to_every_campaign_that_it_has_touched(store: FolderStore) -> None:
    socks = past.brand(store, "socks", "uid-1", "heel", "toe", "shared")
    mugs = past.brand(store, "mugs", "uid-2", "handle", "shared")
    other = past.brand(store, "noir", "uid-3", "alley")
    both = past.campaign(store, "uid-8", mugs.adapter, other.adapter, standing=2)
    own = past.campaign(store, "uid-9", socks.adapter, standing=4)
    past.campaign(store, "uid-7", other.adapter)
    touched = Archive(store).touched(digest("shared"))
    assert set(touched.datasets) == {socks.dataset, mugs.dataset}
    assert {one.project_uid for one in touched.versions} == {"uid-1", "uid-2"}
    assert {one.source for one in touched.intakes} == {"s3://studio/socks/", "s3://studio/mugs/"}
    assert {one.adapter for one in touched.trainings} == {socks.adapter, mugs.adapter}
    assert sorted(touched.drawn, key=lambda one: one.standing) == [
        Drawn(planning.plan_digest(both), ("uid-8",), shots=4, standing=2),
        Drawn(planning.plan_digest(own), ("uid-9",), shots=4, standing=4),
    ]


def test_a_photograph_that_never_came_in_has_touched_nothing(store: FolderStore) -> None:
    past.brand(store, "socks", "uid-1", "heel")
    touched = Archive(store).touched(digest("stranger"))
    assert (touched.datasets, touched.versions, touched.drawn) == ((), (), ())


def test_the_touched_images_of_a_plan_can_be_listed(store: FolderStore) -> None:
    socks = past.brand(store, "socks", "uid-1", "heel")
    plan = past.campaign(store, "uid-9", socks.adapter, standing=3)
    listed = list(Archive(store).images(planning.plan_digest(plan), frozenset({socks.adapter})))
    assert [one.recipe_hash for one in listed] == [plan.shot(index).recipe.hash for index in range(3)]
