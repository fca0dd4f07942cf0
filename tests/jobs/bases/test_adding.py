"""Adding a base: by digest, resumable, recorded last; and what its name means from then on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.base_sources import FolderModels
from cluster.folder_store import FolderStore
from jobs import keys, publish
from jobs.bases import adding, catalogue
from jobs.bases.adding import Added, Became, Terms
from jobs.bases.catalogue import Catalogue
from jobs.errors import BaseRefused, BaseUnknown, Conflict, LicenceForbids, StoreError, StoreUnavailable
from tests import models
from tests.builders import NOON
from tests.fakes.away import AwayStore

TERMS = Terms("ink", "MIT", commercial=True, description="Drawings.")
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return models.write(tmp_path / "ink")


def put(store: FolderStore, folder: Path, terms: Terms = TERMS, **more: object) -> Added:
    staging = folder.parent / "staging"
    return adding.add(store, FolderModels(folder), Terms(**{**vars(terms), **more}), staging, NOON)


def retouched(folder: Path, value: int = 9) -> Path:
    (folder / UNET).write_bytes(models.tensors(value))
    return folder


def test_the_tiny_base_has_the_digest_that_it_always_had(store: FolderStore) -> None:
    added = put(store, models.TINY)
    assert added.base.digest == catalogue.by_name("tiny").digest
    assert added.base.digest == "b0b361710fa89196fcbd2a1b1a7a204c94981b5b60e79b066ebcb6356ae91f4b"


def test_an_added_base_is_listed_with_its_terms_beside_the_shipped_one(store: FolderStore, model: Path) -> None:
    added = put(store, model)
    known = Catalogue(store)
    assert added.became is Became.ADDED
    assert [one.name for one in known.all()] == ["tiny", "ink"]
    assert known.by_name("ink") == known.by_digest(added.base.digest) == added.base
    assert (added.base.family, added.base.resolution, added.base.licence, added.base.number) == ("sd15", 64, "MIT", 1)
    assert added.base.source == str(model)
    record = known.files(added.base.digest)
    assert record is not None
    assert record.sizes == {name: len(data) for name, data in models.files().items() if name != "provenance.json"}
    assert all(store.exists(keys.blob(digest)) for digest in record.files.values())


def test_adding_it_again_changes_nothing_and_sends_nothing(store: FolderStore, model: Path) -> None:
    put(store, model)
    before = list(store.list(""))
    assert put(store, model).became is Became.THERE
    assert list(store.list("")) == before


def test_other_weights_need_replace_and_the_earlier_ones_stay(store: FolderStore, model: Path) -> None:
    first = put(store, model).base
    with pytest.raises(Conflict, match=r"ink means weights .* under MIT"):
        put(store, retouched(model))
    second = put(store, model, replace=True)
    assert (second.became, second.base.number) == (Became.REPLACED, 2)
    known = Catalogue(store)
    assert known.by_name("ink").digest == second.base.digest != first.digest
    assert known.by_digest(first.digest) == first
    assert [one.number for one in known.numbered("ink")] == [1, 2]


def test_a_corrected_licence_is_a_replacement_too(store: FolderStore, model: Path) -> None:
    put(store, model)
    with pytest.raises(Conflict):
        put(store, model, licence="CC-BY-NC-4.0", commercial=False)
    corrected = put(store, model, licence="CC-BY-NC-4.0", commercial=False, replace=True).base
    assert (Catalogue(store).by_name("ink").licence, corrected.commercial) == ("CC-BY-NC-4.0", False)


def test_a_taken_name_is_told_before_anything_is_sent(store: FolderStore, model: Path, tmp_path: Path) -> None:
    put(store, model)
    before = list(store.list(""))
    with pytest.raises(Conflict):
        put(store, retouched(models.write(tmp_path / "other")))
    with pytest.raises(Conflict, match="shipped with brandfarm"):
        put(store, model, name="tiny", replace=True)
    assert list(store.list("")) == before


@pytest.mark.parametrize(
    ("field", "value"), [("name", "Ink!"), ("name", "a" * 64), ("licence", ""), ("licence", "a\nb")]
)
def test_names_and_licences_that_no_manifest_could_say_are_refused(
    store: FolderStore, model: Path, field: str, value: str
) -> None:
    with pytest.raises(BaseRefused):
        put(store, model, **{field: value})


def test_nothing_is_recorded_before_every_file_stands(store: FolderStore, model: Path) -> None:
    class Breaking(FolderModels):
        def local(self, file, folder):  # type: ignore[no-untyped-def]
            if file.name == UNET:
                raise StoreUnavailable("The cable was pulled.")
            return super().local(file, folder)

    with pytest.raises(StoreUnavailable):
        adding.add(store, Breaking(model), TERMS, model.parent / "staging", NOON)
    sent = set(store.list(keys.CAS))
    assert sent
    assert [*store.list("base/"), *store.list(keys.CATALOGUE)] == []
    put(store, model)
    assert sent < set(store.list(keys.CAS))


def test_a_folder_that_lies_about_its_weights_is_refused(store: FolderStore, model: Path) -> None:
    (model / UNET).write_bytes(b"\x80\x04a pickle under another name")
    with pytest.raises(BaseRefused, match="is not sound safetensors"):
        put(store, model)


def test_a_family_may_be_insisted_on(store: FolderStore, model: Path) -> None:
    with pytest.raises(BaseRefused, match="of the family sd15, not sdxl"):
        put(store, model, family="sdxl")
    (model / "model_index.json").unlink()
    with pytest.raises(BaseUnknown, match=r"The folder ink is not a base model .* no model_index"):
        put(store, model)


def test_how_far_it_is_is_told_in_bytes(store: FolderStore, model: Path) -> None:
    told: list[tuple[int, int]] = []
    adding.add(store, FolderModels(model), TERMS, model.parent / "staging", NOON, lambda *at: told.append(at))
    size = Catalogue(store).by_name("ink").size
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_an_unknown_name_lists_those_there_are_and_the_way_to_more(store: FolderStore, model: Path) -> None:
    put(store, model)
    with pytest.raises(BaseUnknown) as told:
        Catalogue(store).by_name("huge")
    assert told.value.hint == "Set spec.base.name to one of: tiny, ink; or add it with `brandfarm base add`."


def test_the_catalogue_is_taken_to_be_as_it_was_for_a_while_only(store: FolderStore, model: Path) -> None:
    clock = [0.0]
    known = Catalogue(store, monotonic=lambda: clock[0], memo_seconds=10.0)
    assert [one.name for one in known.all()] == ["tiny"]
    put(store, model)
    assert [one.name for one in known.all()] == ["tiny"]
    clock[0] = 10.0
    assert [one.name for one in known.all()] == ["tiny", "ink"]


def test_shipped_bases_are_known_while_the_store_is_away(store: FolderStore) -> None:
    away = AwayStore(store)
    away.is_away = True
    assert Catalogue(away).by_name("tiny").is_shipped
    with pytest.raises(StoreUnavailable):
        Catalogue(away).by_name("ink")


def test_a_name_whose_weights_are_lost_says_so(store: FolderStore, model: Path) -> None:
    store.delete(keys.base(put(store, model).base.digest))
    with pytest.raises(StoreError, match="names weights that the store has lost"):
        Catalogue(store).by_name("ink")


def test_a_record_of_another_release_is_not_guessed_at(store: FolderStore) -> None:
    publish.record(store, keys.catalogue("ink", 1), {"name": "ink"})
    with pytest.raises(StoreError, match="no CatalogueRecord that this release can read"):
        Catalogue(store).all()


def test_a_licence_that_forbids_commercial_use_wants_to_be_accepted_by_name(store: FolderStore, model: Path) -> None:
    base = put(store, model, licence="CC-BY-NC-4.0", commercial=False).base
    catalogue.require_licence(base, "CC-BY-NC-4.0")
    for accepted in (None, "MIT"):
        with pytest.raises(LicenceForbids, match=r"CC-BY-NC-4\.0, forbids commercial use"):
            catalogue.require_licence(base, accepted)
