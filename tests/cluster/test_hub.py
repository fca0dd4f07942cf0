"""A model of the hub comes at one commit, through the hub's own client, against a server that can break off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import hub
from cluster.base_sources import open_source
from cluster.folder_store import FolderStore
from cluster.hub import HubModels
from jobs import keys
from jobs.bases import adding
from jobs.bases.adding import Added, Terms
from jobs.errors import BaseRefused, SourceUnreadable
from tests import models
from tests.builders import NOON
from tests.tools.model_hub import COMMIT, MODEL, Hub, serving

UNET = "unet/diffusion_pytorch_model.safetensors"
BIG = models.tensors(5, count=300_000)


@pytest.fixture
def served() -> Iterator[Hub]:
    files = models.files() | {UNET: BIG, "README.md": b"#", f"{UNET[:-11]}bin": b"a pickle", "ink.ckpt": b"another"}
    with serving(Hub(files)) as answering:
        yield answering


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def put(store: FolderStore, served: Hub, commit: str = COMMIT, model: str = MODEL) -> Added:
    source = HubModels(model, commit, endpoint=served.url)
    terms = Terms("ink", "MIT", commercial=True)
    return adding.add(store, source, terms, store.root.parent / "staging", NOON)


def refusal(store: FolderStore, served: Hub, commit: str = COMMIT, model: str = MODEL) -> SourceUnreadable:
    with pytest.raises(SourceUnreadable) as told:
        put(store, served, commit, model)
    assert list(store.list("catalogue/")) == []
    return told.value


def test_a_model_comes_at_its_commit_and_says_so(store: FolderStore, served: Hub) -> None:
    base = put(store, served).base
    assert base.source == f"hub://{MODEL}@{COMMIT}"
    assert store.get(keys.blob(adding.Catalogue(store).files(base.digest).files[UNET])) == BIG  # type: ignore[union-attr]
    assert not {name for name in served.asked if name.endswith((".bin", ".ckpt", ".md"))}
    assert list((store.root.parent / "staging").rglob("*.safetensors")) == []


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(store: FolderStore, served: Hub) -> None:
    served.files[UNET] = models.tensors(6, count=24_000_000)  # the client keeps whole pieces of 10 MiB
    served.breaks = {UNET}
    put(store, served)
    assert (served.asked[UNET], served.ranges) == (2, [UNET])


def test_what_stands_in_the_store_is_not_downloaded_again(store: FolderStore, served: Hub) -> None:
    put(store, served)
    before = served.asked.copy()
    put(store, served)
    assert [name for name in models.WEIGHTS if served.asked[name] != before[name]] == []


def test_bytes_that_are_not_what_the_hub_says_are_refused(store: FolderStore, served: Hub) -> None:
    served.lies_about = {UNET}
    with pytest.raises(BaseRefused, match="is not what hub://org/ink@"):
        put(store, served)


def test_a_model_without_safetensors_is_refused_before_any_weights_come(store: FolderStore, served: Hub) -> None:
    del served.files[UNET]
    with pytest.raises(BaseRefused, match=r"unet/diffusion_pytorch_model\.bin are pickles"):
        put(store, served)
    assert not {name for name in served.asked if name.endswith(".safetensors")}


def test_a_gated_model_says_how_to_show_who_asks(store: FolderStore, served: Hub) -> None:
    served.gated = True
    told = refusal(store, served)
    assert "it is gated" in told.message
    assert "HF_TOKEN" in told.hint
    assert not told.retryable


def test_unknown_models_and_commits_are_told_apart(store: FolderStore, served: Hub) -> None:
    unknown, other = refusal(store, served, model="org/other"), refusal(store, served, commit="ab" * 20)
    assert "knows no such model, or does not show it" in unknown.message
    assert "HF_TOKEN" in unknown.hint
    assert other.message == "org/ink at abababababab could not be listed: it has no such commit."


def test_a_hub_that_is_away_leaves_the_way_of_a_folder(store: FolderStore) -> None:
    told = refusal(store, Hub({}, url="http://127.0.0.1:9"))
    assert "name the folder" in told.hint
    assert told.retryable


@pytest.mark.parametrize("revision", [None, "main", "v1.5", "0f0f0f0", "0F" * 20, "0f" * 21])
def test_what_may_move_is_refused_with_the_way_to_a_commit(revision: str | None) -> None:
    with pytest.raises(BaseRefused, match="must be named at a commit") as told:
        hub.pinned(MODEL, revision)
    assert f"git ls-remote https://huggingface.co/{MODEL} {revision or 'main'}" in told.value.hint


def test_a_source_that_is_nothing_known_says_what_would_be(store: FolderStore) -> None:
    with pytest.raises(SourceUnreadable, match="no folder of this machine, no s3:// prefix and no hub id"):
        open_source(store, "ink", None)
    with pytest.raises(SourceUnreadable, match="has no revisions"):
        open_source(store, str(store.root), COMMIT)
    with pytest.raises(BaseRefused, match="must be named at a commit"):
        open_source(store, MODEL, None)
