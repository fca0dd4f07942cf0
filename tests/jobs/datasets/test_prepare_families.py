"""What a family's UNet is told of each picture is prepared with it: pooled vectors and frames where they are heard."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load

from cluster.folder_store import FolderStore
from jobs import blobs, keys, publish
from jobs.bases import conditioning
from jobs.bases.loading import Base
from jobs.datasets import prepare as preparing
from jobs.datasets.intake import dataset_id
from jobs.identity import content_id, digest_of
from jobs.ports import ObjectStore
from jobs.records import DatasetRecord, Picture
from jobs.spec import TrainAsk, TrainRecipe
from jobs.training.prepared import PreparedDataset
from tests.jobs import small_bases
from tests.jobs.datasets.pictures import png
from tests.jobs.generation.given import tiny
from tests.jobs.small_bases import LENGTH, PROJECTED, WIDTHS

SIDE = 32


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path)


@pytest.fixture(autouse=True)
def few_priors(monkeypatch):
    monkeypatch.setattr(preparing, "PRIORS", 2)
    monkeypatch.setattr(preparing, "PRIOR_SAMPLING", preparing.PRIOR_SAMPLING.model_copy(update={"steps": 1}))


def prepared(store: ObjectStore, base: Base, sizes: list[tuple[int, int]]) -> PreparedDataset:
    """A dataset of one picture of each size, one caption, two prior pictures."""
    taken = []
    for number, size in enumerate(sizes):
        data = png((90, 60, 30 + number), size)
        width, height = size
        taken.append(
            Picture(image=blobs.put(store, data), pixels=digest_of(data), width=width, height=height, caption="a sock")
        )
    identity = dataset_id(taken)
    listed = blobs.put_json(store, [one.model_dump(mode="json") for one in taken])
    record = DatasetRecord(id=identity, pictures=listed, count=len(taken))
    publish.record(store, keys.dataset(identity), record.model_dump(exclude={"writeId"}), blobs=[listed])
    recipe = TrainRecipe(resolution=SIDE, prior=0.25)
    turns = preparing.prepare(store, base, TrainAsk(dataset=identity, base=base.digest, trigger="x", recipe=recipe))
    while True:
        try:
            next(turns)
        except StopIteration as ready:
            return ready.value


def test_an_sdxl_base_gets_pooled_vectors_and_the_frame_of_every_picture(store):
    base = small_bases.base("sdxl")
    dataset = prepared(store, base, [(96, 48), (40, 60), (20, 20)])
    assert dataset.frames.tolist() == [
        [48, 96, 0, 16, 32, 32],  # 96 x 48 is scaled to 64 x 32 and cut 16 from the left
        [60, 40, 8, 0, 32, 32],
        [20, 20, 0, 0, 32, 32],
    ]
    assert dataset.prior_frames.tolist() == [[32, 32, 0, 0, 32, 32]] * 2
    (caption,) = conditioning.encode_texts(base, ["a sock"])
    assert torch.equal(dataset.captions[0], caption.hidden)
    assert torch.equal(dataset.captions_pooled[0], caption.pooled)
    assert dataset.prior_pooled.shape == (2, PROJECTED)
    assert (dataset.empty.shape, dataset.empty_pooled.shape) == ((LENGTH, WIDTHS["sdxl"]), (PROJECTED,))
    assert not dataset.empty.any()  # as guidance is told of nothing
    assert not dataset.empty_pooled.any()


def test_both_texts_parts_come_from_the_cache_the_second_time(store, monkeypatch):
    base = small_bases.base("sdxl")
    first = prepared(store, base, [(32, 32)])
    monkeypatch.setattr(conditioning, "encode_texts", None)
    second = prepared(store, base, [(32, 32)])
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_the_first_familys_cache_is_as_it_was(store):
    dataset = prepared(store, tiny(), [(32, 32)])
    name = content_id("text/1", {"text": "a sock", "base": tiny().digest})
    kept = load(store.get(keys.cache(name)))
    assert kept.keys() == {"hidden"}
    assert torch.equal(kept["hidden"], dataset.captions[0])
    assert dataset.captions_pooled.shape == (1, 0)
    assert torch.equal(dataset.empty, conditioning.encode_texts(tiny(), [""])[0].hidden)
