"""Preparing a dataset for training: everything is computed once, cached by content, and found again."""

from __future__ import annotations

import pytest
import torch

from cluster.folder_store import FolderStore
from jobs import keys
from jobs.bases import conditioning
from jobs.datasets import prepare as preparing
from jobs.datasets.prepare import prepare, square
from jobs.errors import DatasetInvalid
from tests.jobs import bench as given
from tests.jobs.datasets.pictures import encoded, png
from tests.jobs.generation.given import tiny


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


@pytest.fixture
def few_priors(monkeypatch):
    """Four prior pictures of one step each instead of 32 of twenty."""
    monkeypatch.setattr(preparing, "PRIORS", 4)
    monkeypatch.setattr(preparing, "PRIOR_BATCH", 2)
    monkeypatch.setattr(preparing, "PRIOR_SAMPLING", preparing.PRIOR_SAMPLING.model_copy(update={"steps": 1}))


@pytest.fixture
def computed(monkeypatch):
    """What was truly computed: pictures, texts and batches of priors."""
    told = []

    def noting(module, name, what):
        original = getattr(module, name)

        def noted(*arguments, **named):
            told.append(what)
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, noted)

    noting(conditioning, "encode_picture", "picture")
    noting(conditioning, "encode_texts", "text")
    noting(preparing, "prior_latents", "prior")
    return told


def prepared(store, ask):
    """The prepared dataset, and what was told on the way."""
    turns, told = prepare(store, tiny(), ask), []
    while True:
        try:
            told.append(next(turns))
        except StopIteration as ready:
            return ready.value, told


def training(store, **settings):
    return given.training(given.put_dataset(store, pictures=3), **settings).ask


def test_pictures_captions_and_priors_come_in_the_shapes_that_training_reads(store, few_priors):
    dataset, told = prepared(store, training(store, prior=0.25))
    side = given.SIDE // tiny().factor
    assert dataset.mean.shape == dataset.std.shape == (3, tiny().latent_channels, side, side)
    assert (len(dataset.captions), dataset.caption_of.tolist()) == (3, [0, 1, 2])
    assert dataset.prior_latents.shape == (4, tiny().latent_channels, side, side)
    assert len(dataset.prior_hidden) == 4
    assert told == [(done, 8) for done in range(1, 9)]  # 3 pictures, 3 captions, 2 batches of priors


def test_a_recipe_without_prior_draws_none(store, computed):
    dataset, _ = prepared(store, training(store, prior=0.0))
    assert (len(dataset.prior_latents), len(dataset.prior_hidden)) == (0, 0)
    assert "prior" not in computed


def test_the_second_time_everything_comes_from_the_cache(store, few_priors, computed):
    first, _ = prepared(store, training(store, prior=0.25))
    assert (computed.count("picture"), computed.count("prior")) == (3, 2)
    computed.clear()
    second, _ = prepared(store, training(store, prior=0.25))
    assert computed == []
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_another_seed_shares_latents_and_texts_but_not_priors(store, few_priors, computed):
    prepared(store, training(store, number=1, prior=0.25))
    computed.clear()
    prepared(store, training(store, number=2, prior=0.25))
    assert set(computed) == {"prior", "text"}  # to draw is to read the captions; the dataset's own are not read again


def test_another_resolution_shares_texts_only(store, computed):
    prepared(store, training(store, side=32))
    computed.clear()
    prepared(store, training(store, side=64))
    assert computed == ["picture"] * 3


def test_what_is_swept_or_broken_is_computed_again(store, computed):
    ask = training(store)
    first, _ = prepared(store, ask)
    swept, torn, *_ = store.list("cache/")
    store.delete(swept)
    store.put(torn, b"torn")
    computed.clear()
    second, _ = prepared(store, ask)
    assert len(computed) == 2
    assert torch.equal(first.mean, second.mean)
    assert torch.equal(first.captions, second.captions)


def test_priors_are_drawn_from_the_captions_without_the_trigger(store, few_priors, monkeypatch):
    drawn = []
    original = preparing.prior_latents

    def noted(base, captions, *arguments, **named):
        drawn.extend(captions)
        return original(base, captions, *arguments, **named)

    monkeypatch.setattr(preparing, "prior_latents", noted)
    prepared(store, training(store, prior=0.25))
    plain = [f"a photo of a sock number {number}" for number in range(3)]
    assert drawn == [*plain, plain[0]]


def test_the_same_caption_twice_gives_two_different_priors(store, few_priors):
    dataset, _ = prepared(store, training(store, prior=0.25))
    assert not torch.equal(dataset.prior_latents[0], dataset.prior_latents[3])


def test_a_dataset_without_a_record_is_refused(store):
    with pytest.raises(DatasetInvalid, match="no record"):
        prepared(store, given.training("0" * 64).ask)
    assert list(store.list(keys.cache(""))) == []


def test_a_picture_is_cut_to_a_square_around_its_centre():
    from PIL import Image

    wide = Image.new("RGB", (96, 32), (255, 0, 0))
    wide.paste((0, 255, 0), (32, 0, 64, 32))
    pixels = square(encoded(wide, "PNG"), 32)
    assert pixels.shape == (3, 32, 32)
    assert pixels.mean(dim=(1, 2)).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (31, 97), (20, 20)])
def test_every_size_fills_the_square(size):
    pixels = square(png((90, 60, 30), size), 32)
    assert pixels.shape == (3, 32, 32)
    assert torch.allclose(pixels, torch.tensor([90, 60, 30]).view(3, 1, 1) / 255)
