"""The workbench of a worker's process, opened as the fleet opens it: a base of the store comes to its disk and is trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from cluster import bench
from cluster.base_sources import FolderModels
from cluster.folder_store import FolderStore
from jobs import publish
from jobs.bases import adding
from jobs.bases.adding import Terms
from jobs.spec import Job
from jobs.work import EventKind
from tests import builders, models
from tests.builders import NOON
from tests.contract.workbench import ends, turned
from tests.jobs import bench as given

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def ink(store: FolderStore, tmp_path: Path) -> str:
    """The digest of a base that nobody ships: the tiny one with a weight changed."""
    whole = {path.relative_to(models.TINY).as_posix(): path.read_bytes() for path in models.TINY.rglob("*.*")}
    folder = models.write(tmp_path / "ink", whole)
    weights = load_file(folder / UNET)
    save_file({name: tensor * 1.001 for name, tensor in weights.items()}, folder / UNET, metadata={"format": "pt"})
    terms = Terms("ink", "CC-BY-NC-4.0", commercial=False)
    return adding.add(store, FolderModels(folder), terms, tmp_path / "staging", NOON).base.digest


def on_base(job: Job, base: str) -> Job:
    """The job on another base."""
    ask = job.ask.model_copy(update={"base": base})
    return job.model_copy(update={"ask": ask, "placement": job.placement.model_copy(update={"base": base})})


def test_a_brand_is_trained_on_a_base_of_the_store(store: FolderStore, ink: str, tmp_path: Path) -> None:
    opened = bench.open_workbench(str(store), 1, bases=str(tmp_path / "cache"))
    job = on_base(given.training(given.put_dataset(store), steps=2), ink)
    opened.begin(job, 1)
    assert ends(turned(opened)) == {job.id: EventKind.FINISHED}
    opened.close()
    record = publish.read(store, job.record_key)
    assert record is not None
    assert record["base"] == ink
    assert (tmp_path / "cache" / ink / UNET).is_file()


def test_a_training_on_weights_that_nobody_added_fails_with_the_way_to_add_them(
    store: FolderStore, tmp_path: Path
) -> None:
    opened = bench.open_workbench(str(store), 1, bases=str(tmp_path / "cache"))
    job = on_base(given.training(given.put_dataset(store)), builders.digest("never added"))
    opened.begin(job, 1)
    failed = [event for event in turned(opened) if event.kind is EventKind.FAILED]
    opened.close()
    assert [event.trouble.reason for event in failed if event.trouble] == ["BaseUnknown"]
    assert "brandfarm base add" in failed[0].trouble.hint  # type: ignore[union-attr]
