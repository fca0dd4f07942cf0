"""Bad days that need no running farm: what a person typed or left lying about, and that nothing is kept of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from cli.local_farm import LocalFarm
from cluster import sources
from jobs import keys, publish
from jobs.datasets.intake import intake
from jobs.errors import DatasetInvalid, FarmError, StoreUnavailable
from jobs.spec import IntakeAsk, asked_id
from tests import builders
from tests.cli.terminal import Shown, Terminal, written
from tests.jobs.datasets import pictures

BRAND = """\
apiVersion: brandfarm.dev/v1alpha1
kind: BrandProject
metadata: {name: socks}
spec:
  concept: product
  trigger: stblsx
  class: sock
  dataset:
    source: ./shots
    rights: {owner: Studio A, basis: owned}
  base: {name: tiny}
  recipe: {steps: 6}
  judge: {prompts: [a photo of a stblsx sock], seeds: [7]}
"""
CAPTION = "a photo of a stblsx sock"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A brand's folder: its manifest, and eight pictures with captions."""
    shots = tmp_path / "brand" / "shots"
    shots.mkdir(parents=True)
    (shots.parent / "brand.yaml").write_text(BRAND)
    for number in range(8):
        Image.new("RGB", (8, 8), (30 * number, 0, 0)).save(shots / f"{number}.png")
        (shots / f"{number}.txt").write_text(CAPTION)
    return shots.parent


@pytest.fixture
def farm(tmp_path: Path) -> LocalFarm:
    return LocalFarm(tmp_path / "farm")


def _apply(farm: LocalFarm, folder: Path) -> Shown:
    return Terminal(farm).type("apply", "-f", str(folder / "brand.yaml"))


def _taken_in(farm: LocalFarm) -> str:
    """What became of the applied brand's pictures: their record's first files set aside, or the error."""
    spec = farm.document("BrandProject", "default", "socks")["spec"]
    address = spec["dataset"]["source"]
    ask = IntakeAsk(source=address, listing="", trigger=spec["trigger"], glossary={}, min_images=8)
    try:
        list(intake(ask, sources.open_source(farm.store, address), farm.store))
    except DatasetInvalid as refused:
        assert publish.read(farm.store, keys.intake(asked_id(ask))) is None
        return f"{refused.message} {refused.hint}"
    record = publish.read(farm.store, keys.intake(asked_id(ask)))
    assert record is not None
    return "; ".join(f"{one['name']}: {one['reason']}" for one in record["first_aside"])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  concept: product", "  concept: product\n  colour: red", r":6:3: spec\.colour: found the unknown field colour; write one of"),
        ("steps: 6", "steps: many", r':12:19: spec\.recipe\.steps: found "many"; write a whole number'),
        ("  class: sock", "  class: sock\n  class: mug", r":8:3: spec\.class: found the field class a second time, as on line 7"),
        ("name: tiny", "name: tinny", r":11:16: spec\.base\.name: found 'tinny'; write one of: tiny"),
        ("./shots", "ftp://host/shots", r':9:13: spec\.dataset\.source: found "ftp://host/shots"; write s3://'),
    ],
    ids=["unknown field", "wrong type", "duplicate key", "base not in the catalogue", "no kind of source"],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["apply", "plan"])
def test_a_wrong_manifest_is_refused_at_its_place(
    verb: str, before: str, after: str, said: str, farm: LocalFarm, folder: Path
) -> None:
    manifest = folder / "brand.yaml"
    manifest.write_text(BRAND.replace(before, after))
    shown = Terminal(farm).type(verb, "-f", str(manifest))
    assert (shown.code, shown.out) == (2, "")
    assert re.search(f"{re.escape(str(manifest))}{said}", shown.err)
    assert not Path(farm.place).exists()


def test_a_path_that_leaves_the_folder_is_not_uploaded(farm: LocalFarm, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(pictures.png((1, 2, 3)))
    (folder / "shots" / "0.png").unlink()
    (folder / "shots" / "0.png").symlink_to(tmp_path / "secret.png")
    shown = _apply(farm, folder)
    assert shown.code == 2
    assert "0.png is a link to a place outside the folder" in shown.err
    assert "Next:  Put the file itself into the folder" in shown.err
    assert farm.documents("BrandProject") == []


def test_a_file_too_large_to_be_a_picture_is_not_read(farm: LocalFarm, folder: Path) -> None:
    with (folder / "shots" / "film.mov").open("wb") as film:
        film.truncate(2**40)
    shown = _apply(farm, folder)
    assert shown.code == 2
    assert "film.mov has 1,099,511,627,776 bytes" in shown.err


def test_bad_files_are_set_aside_by_name_and_the_rest_is_taken(farm: LocalFarm, folder: Path) -> None:
    bad = {"huge.png": pictures.huge_png(), "cut.jpg": pictures.truncated_jpeg(), "text.png": b"I am only words"}
    for name, data in bad.items():
        (folder / "shots" / name).write_bytes(data)
        (folder / "shots" / name).with_suffix(".txt").write_text(CAPTION)
    assert _apply(farm, folder).code == 0
    said = _taken_in(farm)
    assert "cut.jpg: broken or cut short" in said
    assert "huge.png: 20000 x 20000 pixels; at most" in said
    assert "text.png: not a picture" in said


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (0, "The uploaded folder has no picture that can be taken"),
        (1, "has 1 picture(s) that can be taken; at least 8"),
    ],
    ids=["no images", "one image"],
)
def test_too_few_pictures_say_how_many_are_needed(kept: int, said: str, farm: LocalFarm, folder: Path) -> None:
    for number in range(kept, 8):
        (folder / "shots" / f"{number}.png").unlink()
    assert _apply(farm, folder).code == 0
    assert said in _taken_in(farm)


def test_captions_without_the_trigger_are_named(farm: LocalFarm, folder: Path) -> None:
    (folder / "shots" / "3.txt").write_text("a photo of a sock")
    assert _apply(farm, folder).code == 0
    assert "1 of 8 captions lack the trigger 'stblsx', first 3.txt: 'a photo of a sock'" in _taken_in(farm)


@pytest.mark.parametrize("left", ["nothing", "an empty folder, as an unmounted disk leaves it"])
def test_a_store_that_went_away_is_never_replaced_by_an_empty_one(left: str, farm: LocalFarm, folder: Path) -> None:
    assert _apply(farm, folder).code == 0
    shutil.move(farm.home.store, folder / "moved")
    if left != "nothing":
        farm.home.store.mkdir()
    later = LocalFarm(Path(farm.place))
    shown = Terminal(later).type("apply", "-f", str(folder / "brand.yaml"))
    assert shown.code == 1
    assert "is gone" in shown.err
    assert "Put it back" in shown.err
    assert not farm.home.store.exists() or not list(farm.home.store.iterdir())
    with pytest.raises(StoreUnavailable):
        _ = later.store


def test_manifests_that_came_before_any_picture_do_not_make_the_store_seem_gone(
    farm: LocalFarm, tmp_path: Path
) -> None:
    assert Terminal(farm).type("apply", "-f", written(tmp_path, "spring.yaml", [builders.campaign()])).code == 0
    assert not farm.home.store.exists()
    assert list(LocalFarm(farm.home.root).store.list("")) == []


def test_ctrl_c_while_pictures_are_sent_leaves_no_manifest_and_says_how_to_go_on(
    farm: LocalFarm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_given: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalFarm, "upload", broken_off)
    shown = _apply(farm, folder)
    assert (shown.code, shown.out) == (130, "")
    assert "nothing was applied" in shown.err
    assert "sends only the pictures that are missing" in shown.err
    assert farm.documents("BrandProject") == []


def test_a_pipe_learns_that_no_farm_runs(farm: LocalFarm, folder: Path) -> None:
    assert _apply(farm, folder).code == 0
    shown = Terminal(farm).type("status")
    assert shown.code == 0
    assert f"No farm runs in {farm.place}" in shown.err


def test_a_failure_that_was_foreseen_always_says_what_next(farm: LocalFarm) -> None:
    with pytest.raises(FarmError) as refused:
        farm.document("BrandProject", "default", "socks")
    assert refused.value.hint
