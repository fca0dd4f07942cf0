"""What a sheet shows is what the store holds, and what it lacks is said."""

from __future__ import annotations

import pytest

from cli.sheet import gather
from cluster.folder_store import FolderStore
from jobs import keys
from jobs.errors import KeyNotFound, NotFound
from jobs.shots import Plan, Recipe
from tests import builders
from tests.cli.sheet.studio import PALETTE, TAGS, Studio, flat, lose, png


def test_a_sheet_holds_the_brand_its_references_and_every_prompt_by_every_seed(studio: Studio) -> None:
    studio.references("a stblsx sock on a chair", "a stblsx sock in the rain").version(1)
    data = gather(studio.store, studio.document)
    version = data.newest
    places = [(prompt, seed) for prompt in (0, 1) for seed in (7, 21)]
    assert (data.project, data.uid, data.trigger) == ("stable-socks", "uid-1", "stblsx")
    assert (data.palette, data.tags) == (tuple(PALETTE), tuple(TAGS))
    assert [one.caption for one in data.references] == ["a stblsx sock on a chair", "a stblsx sock in the rain"]
    assert [(cell.prompt, cell.seed) for cell in version.base] == places
    assert [(cell.prompt, cell.seed, cell.strength) for cell in version.cells] == [(*place, 1.0) for place in places]
    assert data.missing == ()


def test_each_place_shows_the_very_picture_of_its_recipe_before_and_after_the_finish(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    data = gather(studio.store, studio.document)
    for cell in data.cells():
        assert cell.finished is not None
        assert cell.raw is not None
        assert data.pictures[cell.finished.digest] == flat(cell.recipe)
        assert data.pictures[cell.raw.digest] == flat(cell.recipe.raw())


def test_without_a_finish_there_is_no_picture_before_it(store: FolderStore) -> None:
    studio = Studio(store, finish=[]).references("a stblsx sock")
    studio.version(1)
    assert {cell.raw for cell in gather(store, studio.document).cells()} == {None}


def test_pictures_that_are_not_drawn_yet_are_said(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1, skipped=3)
    data = gather(studio.store, studio.document)
    assert [cell.missing for cell in data.newest.cells] == ["", "not drawn yet", "not drawn yet", "not drawn yet"]
    assert data.missing == ("3 of 4 pictures of v1 are missing, first prompt 1 with seed 21: not drawn yet.",)


def test_a_picture_that_the_store_lost_is_said_and_the_rest_is_shown(studio: Studio) -> None:
    plan = studio.references("a stblsx sock").version(1)
    lose(studio.store, studio.keep(_last(plan)))
    data = gather(studio.store, studio.document)
    assert data.newest.cells[-1].missing == "recorded, but its bytes are gone from the store"
    assert sum(cell.finished is not None for cell in data.cells()) == plan.count - 1
    assert len(data.missing) == 1


def test_a_picture_that_was_changed_in_the_store_is_never_shown(studio: Studio) -> None:
    plan = studio.references("a stblsx sock").version(1)
    studio.store.put(keys.blob(studio.keep(_last(plan))), png(1, 2, 3))
    data = gather(studio.store, studio.document)
    assert data.newest.cells[-1].missing == "its bytes are damaged in the store"
    assert png(1, 2, 3) not in data.pictures.values()


def test_how_a_version_was_trained_comes_from_its_record(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1, recipe={"rank": 8, "steps": 300})
    training = gather(studio.store, studio.document).newest.training
    assert training is not None
    assert (training.record.recipe.rank, len(training.losses)) == (8, 300)
    assert [(one.step, one.seed) for one in training.samples] == [(step, 7) for step in (100, 200, 300) for _ in (0, 1)]


def test_a_training_without_a_record_is_said(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    studio.store.delete(keys.train(studio.document["status"]["versions"][0]["asked"]))
    data = gather(studio.store, studio.document)
    assert data.newest.training is None
    assert data.missing == ("v1: how it was trained is not recorded in this store.",)


def test_lost_references_and_samples_are_counted(studio: Studio) -> None:
    studio.references("a stblsx sock", "a stblsx sock at sea").version(1)
    before = gather(studio.store, studio.document)
    assert before.newest.training is not None
    lose(studio.store, before.references[1].image.digest)
    lose(studio.store, before.newest.training.samples[0].image.digest)
    after = gather(studio.store, studio.document)
    assert after.missing == (
        "1 of 6 training samples cannot be read from the store.",
        "1 of 2 reference pictures cannot be read from the store.",
    )


def test_the_newest_four_versions_are_shown_and_any_by_name(studio: Studio) -> None:
    studio.references("a stblsx sock")
    for number in range(1, 6):
        studio.version(number)
    assert [one.name for one in gather(studio.store, studio.document).versions] == ["v2", "v3", "v4", "v5"]
    assert [one.name for one in gather(studio.store, studio.document, versions=["v5", "v1"]).versions] == ["v1", "v5"]


def test_many_references_are_spread_over_the_dataset(studio: Studio) -> None:
    studio.references(*(f"stblsx number {number}" for number in range(64))).version(1)
    data = gather(studio.store, studio.document)
    assert [one.caption for one in data.references] == [f"stblsx number {number}" for number in range(0, 64, 2)]
    assert data.reference_count == 64


def test_words_are_those_on_this_very_project_oldest_first(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    spoken = [
        (
            "second",
            builders.review(by="lead@studio-a", verdict="revise", tags=["oversaturated"]),
            "2027-01-16T08:00:00Z",
        ),
        ("first", builders.review(by="art@studio-a", verdict="reject"), "2027-01-15T09:00:00Z"),
        ("other-uid", builders.review(by="x@studio-a", projectUid="uid-0"), "2027-01-15T09:00:00Z"),
        ("other-brand", builders.review(by="x@studio-a", project="other"), "2027-01-15T09:00:00Z"),
    ]
    reviews = [builders.kept(document, created=when) for _, document, when in spoken]
    words = gather(studio.store, studio.document, reviews).newest.words
    assert [(word.by, word.verdict) for word in words] == [("art@studio-a", "reject"), ("lead@studio-a", "revise")]


def test_a_project_without_a_drawn_version_has_no_sheet(studio: Studio) -> None:
    with pytest.raises(NotFound, match="No version has been drawn yet"):
        gather(studio.store, studio.document)


def test_a_version_that_is_not_there_is_named_with_those_that_are(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    with pytest.raises(NotFound, match=r"sheet of v9 of default/stable-socks\. Versions with one: v1\."):
        gather(studio.store, studio.document, versions=["v9"])


def test_a_lost_plan_is_an_error_and_not_an_empty_sheet(studio: Studio) -> None:
    studio.references("a stblsx sock").version(1)
    lose(studio.store, studio.document["status"]["versions"][0]["sheet"])
    with pytest.raises(KeyNotFound):
        gather(studio.store, studio.document)


def _last(plan: Plan) -> Recipe:
    return plan.shot(plan.count - 1).recipe
