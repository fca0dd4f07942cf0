"""A campaign's contact sheet: a grid for each look beside the pulled pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.sheet import FolderRefused, write_contact
from jobs.shots import AdapterUse, Look, Plan
from tests.cli.sheet.looking import Page
from tests.cli.sheet.studio import png


def test_every_picture_stands_under_its_look_with_its_prompt_and_seed(tmp_path: Path) -> None:
    plan = _plan()
    page = Page(write_contact("spring-nightly", plan, _pulled(plan, tmp_path), tmp_path))
    assert [found["alt"] for found in page.all("img")] == [
        f"{shot.recipe.prompt}, seed {shot.seed}" for shot in plan.shots()
    ]
    assert "stable-socks v1 strength 0.9 · 4 pictures" in page.words
    assert "8 pictures · ddim, 20 steps, guidance 5" in page.words
    assert "http" not in "".join(page.addresses)


def test_names_with_spaces_and_signs_still_lead_to_their_files(tmp_path: Path) -> None:
    plan = _plan()
    page = Page(write_contact("spring", plan, {0: "socks & more/a b#1?.png"}, tmp_path))
    assert page.addresses == {"socks%20%26%20more/a%20b%231%3F.png"}


def test_pictures_that_were_not_pulled_are_said(tmp_path: Path) -> None:
    plan = _plan()
    files = _pulled(plan, tmp_path)
    del files[3]
    page = Page(write_contact("spring", plan, files, tmp_path))
    assert "7 of 8 pictures, 1 missing" in page.words
    assert len(page.all("div", class_="frame gone")) == 1


def test_hostile_words_are_text(tmp_path: Path) -> None:
    plan = _plan().model_copy(update={"prompts": ("<script>alert(1)</script> {trigger}",)})
    page = Page(write_contact("<i>spring</i>", plan, {}, tmp_path))
    assert len(page.all("script")) == 1
    assert page.all("i") == []


def test_it_is_written_anew_whole(tmp_path: Path) -> None:
    write_contact("spring", _plan(), {}, tmp_path)
    page = write_contact("autumn", _plan(), {}, tmp_path)
    assert "autumn" in Page(page).words
    assert [file.name for file in tmp_path.iterdir()] == ["contact.html"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FolderRefused, match="could not be written"):
        write_contact("spring", _plan(), {}, tmp_path / "nowhere")


def _plan() -> Plan:
    look = Look(
        label="stable-socks v1",
        adapters=(AdapterUse(digest="a" * 64, strength=0.9),),
        trigger="stblsx",
        class_name="sock",
    )
    return Plan(
        base="b" * 64,
        looks=(look, look.model_copy(update={"label": "stable-socks v2"})),
        prompts=("a photo of a {trigger} {class} on a {place}",),
        variables={"place": ("beach", "rooftop")},
        sizes=((64, 64),),
        seeds=(1, 2),
    )


def _pulled(plan: Plan, folder: Path) -> dict[int, str]:
    files = {shot.index: f"{shot.index:04d}.png" for shot in plan.shots()}
    for index, name in files.items():
        (folder / name).write_bytes(png(index, 0, 0))
    return files
