"""The sheet is a folder that opens from disk, whole or not at all, and nothing that a person wrote can act in it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from cli.sheet import FolderRefused, gather, write
from cluster.folder_store import FolderStore
from tests import builders
from tests.cli.sheet.looking import Page
from tests.cli.sheet.studio import Studio

HOSTILE = "a stblsx sock </script><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & <b>"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """Two versions, drawn once; no test here changes the store."""
    studio = Studio(FolderStore(tmp_path_factory.mktemp("studio") / "store"))
    studio.references("a stblsx sock on a chair").version(1)
    studio.version(2, recipe={"rank": 8})
    return studio


def test_every_picture_of_the_page_lies_in_the_folder_and_nothing_else_is_fetched(
    drawn: Studio, tmp_path: Path
) -> None:
    page = write(gather(drawn.store, drawn.document), tmp_path / "sheet")
    addresses = Page(page).addresses
    assert page == tmp_path / "sheet" / "index.html"
    assert len(addresses) > 20
    assert [one for one in addresses if not (page.parent / one).is_file()] == []
    assert "http://" not in Page(page).source
    assert "https://" not in Page(page).source


def test_pictures_are_written_as_they_are(drawn: Studio, tmp_path: Path) -> None:
    data = gather(drawn.store, drawn.document)
    folder = write(data, tmp_path / "sheet").parent
    written = {file.read_bytes() for file in (folder / "images").iterdir()}
    assert written == set(data.pictures.values())


def test_the_base_stands_once_where_versions_share_it_and_every_version_beside_it(
    drawn: Studio, tmp_path: Path
) -> None:
    page = Page(write(gather(drawn.store, drawn.document), tmp_path / "sheet"))
    shown = [(found["data-look"], found["data-versions"]) for found in page.all("div", class_="set")]
    assert shown == [("base", "v1 v2"), ("v1", "v1"), ("v2", "v2")] * 2


def test_each_picture_says_its_prompt_seed_strength_and_version(drawn: Studio, tmp_path: Path) -> None:
    page = Page(write(gather(drawn.store, drawn.document), tmp_path / "sheet"))
    assert "v2 · seed 21 · strength 1" in page.words
    assert "… on a beach" in page.words
    alts = [found["alt"] for found in page.all("img")]
    assert "v2: a photo of a stblsx sock on a beach, seed 7" in alts
    assert "" not in alts


def test_versions_say_what_changed_and_what_was_said(drawn: Studio, tmp_path: Path) -> None:
    shots = [{"prompt": 0, "seed": 7, "verdict": "reject"}]
    review = builders.review("v2", verdict="revise", tags=["oversaturated"], note="heel too orange", shots=shots)
    page = Page(write(gather(drawn.store, drawn.document, [builders.kept(review)]), tmp_path / "sheet"))
    assert "Changed since v1: rank 16 → 8." in page.words
    assert "lead@studio-a says revise: oversaturated. heel too orange Pictures judged: 1." in page.words
    assert "lead@studio-a: reject" in page.words


def test_training_shows_its_curve_and_its_samples_by_step(drawn: Studio, tmp_path: Path) -> None:
    page = Page(write(gather(drawn.store, drawn.document), tmp_path / "sheet"))
    assert len(page.all("svg", class_="curve")) == 2
    assert page.words.count("step 100") == 2
    assert "Step 300: a photo of a stblsx sock at night, seed 7" in [found["alt"] for found in page.all("img")]


def test_missing_pictures_are_said_aloud_and_in_their_place(studio: Studio, tmp_path: Path) -> None:
    studio.references("a stblsx sock").version(1, skipped=1)
    page = Page(write(gather(studio.store, studio.document), tmp_path / "sheet"))
    assert "1 of 4 pictures of v1 are missing, first prompt 2 with seed 21: not drawn yet." in page.words
    label = "v1: a photo of a stblsx sock at night, seed 21: missing, not drawn yet"
    assert len(page.all("div", **{"aria-label": label})) == 1


def test_hostile_words_are_text_and_nothing_more(studio: Studio, tmp_path: Path) -> None:
    studio.references(HOSTILE).version(1)
    review = builders.kept(builders.review(note=HOSTILE))
    page = Page(write(gather(studio.store, studio.document, [review]), tmp_path / "sheet"))
    assert page.words.count(HOSTILE) == 2
    assert "x" not in page.addresses
    assert [key for _, found in page.elements for key in found if key.startswith("on")] == []
    assert "alert(1)" not in "".join(code for code in page.codes if not code.startswith("{"))
    assert json.loads(page.codes[0])["references"][0]["caption"] == HOSTILE


def test_the_policy_lets_in_nothing_from_outside_and_runs_only_the_sheets_own_scripts(
    drawn: Studio, tmp_path: Path
) -> None:
    page = Page(write(gather(drawn.store, drawn.document), tmp_path / "sheet"))
    rules = dict(
        rule.strip().split(" ", 1)
        for rule in page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"].split(";")
    )
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "'self' file:"
    assert rules["script-src"].split() == [_hash(code) for code in page.codes[1:]]
    assert rules["style-src"].split() == [_hash(style) for style in page.styles]
    assert [found for _, found in page.elements if "style" in found] == []


def test_the_json_says_the_same_as_the_page(drawn: Studio, tmp_path: Path) -> None:
    page = write(gather(drawn.store, drawn.document), tmp_path / "sheet")
    kept = json.loads((page.parent / "sheet.json").read_text())
    assert kept == json.loads(Page(page).codes[0])
    assert (kept["schema"], kept["verdicts"]) == ("brandfarm.dev/sheet/1", "brandfarm.dev/verdicts/1")
    ids = [shot["id"] for version in kept["versions"] for shot in version["shots"]]
    figures = {found["id"] for found in Page(page).all("figure", class_="shot")}
    assert figures <= set(ids)
    assert len(set(ids)) == len(ids)
    assert {found["data-base"] for found in Page(page).all("figure") if "data-base" in found} <= set(ids)


def test_the_same_sheet_twice_is_the_same_bytes(drawn: Studio, tmp_path: Path) -> None:
    first = write(gather(drawn.store, drawn.document), tmp_path / "one").read_bytes()
    assert write(gather(drawn.store, drawn.document), tmp_path / "two").read_bytes() == first


def test_an_earlier_sheet_makes_room_and_what_lay_beside_it_stays(drawn: Studio, tmp_path: Path) -> None:
    folder = write(gather(drawn.store, drawn.document), tmp_path / "sheet").parent
    (folder / "verdicts.json").write_text("{}")
    (folder / "images" / "old.png").write_bytes(b"old")
    write(gather(drawn.store, drawn.document, versions=["v1"]), folder)
    assert sorted(file.name for file in folder.iterdir()) == ["images", "index.html", "sheet.json", "verdicts.json"]
    assert not (folder / "images" / "old.png").exists()
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("found", ["holiday.jpg", "sheet.json"])
def test_a_folder_with_something_else_in_it_is_refused_untouched(drawn: Studio, tmp_path: Path, found: str) -> None:
    place = tmp_path / "desk"
    place.mkdir()
    (place / found).write_text('{"schema": "something else"}')
    with pytest.raises(FolderRefused, match="not a contact sheet"):
        write(gather(drawn.store, drawn.document), place)
    assert [file.name for file in place.iterdir()] == [found]


def test_an_empty_folder_is_taken_and_a_file_is_refused(drawn: Studio, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert write(gather(drawn.store, drawn.document), tmp_path / "empty").is_file()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderRefused, match="not a folder"):
        write(gather(drawn.store, drawn.document), tmp_path / "file")


def test_a_sheet_that_cannot_be_written_leaves_nothing_behind(drawn: Studio, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderRefused, match="could not be written"):
        write(gather(drawn.store, drawn.document), tmp_path / "file" / "sheet")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file"]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
